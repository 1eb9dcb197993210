/**
 * The paper's tabular tasks. CliffWorld and the deep-sea task follow the authors' released code (svmgrg/fma-pg), whose
 * rewards are paid on leaving a state. `deepSeaTreasure` is not bsuite's DeepSea: both of its actions cost.
 */
import { ConfigError, checkCount, checkOption } from '@gimbal/tensor-core';
import { checkNumbers } from '../internal/given.ts';
import type { TabularMdp } from './mdp.ts';

/** A deterministic MDP from a function that says where an action leads and what it pays. */
function deterministic(
  S: number,
  A: number,
  start: number,
  gamma: number,
  step: (s: number, a: number) => readonly [next: number, reward: number],
): TabularMdp {
  const [P, r, mu] = [new Float64Array(S * A * S), new Float64Array(S * A), new Float64Array(S)];
  for (let s = 0; s < S; s++) {
    for (let a = 0; a < A; a++) {
      const [next, reward] = step(s, a);
      P[(s * A + a) * S + next] = 1;
      r[s * A + a] = reward;
    }
  }
  mu[start] = 1;
  return { S, A, P, r, mu, gamma };
}

const clip = (x: number, most: number): number => Math.min(Math.max(x, 0), most);

/**
 * A walk along a cliff, γ .9: 4 columns of 5, s = 5x + y, and an absorbing state 20. Actions: down (y − 1), up, left
 * (x − 1), right. States 1, 2, 3 are the chasm: any action pays −100 and leads to the start 0. State 4 is the goal: any
 * action pays +1 and ends. The best return is .9⁶; safe detours give .9⁸, .9¹⁰ and 0.
 */
function cliffWorld(): TabularMdp {
  const end = 20;
  return deterministic(21, 4, 0, 0.9, (s, a) => {
    if (s === end) return [end, 0];
    if (s >= 1 && s <= 3) return [0, -100];
    if (s === 4) return [end, 1];
    const [x, y] = [Math.floor(s / 5), s % 5];
    const dx = a === 2 ? -1 : a === 3 ? 1 : 0;
    const dy = a === 0 ? -1 : a === 1 ? 1 : 0;
    return [5 * clip(x + dx, 3) + clip(y + dy, 4), 0];
  });
}

/**
 * A dive with a treasure in the far corner, γ .9: size × size, s = size·x + y, start at x = 0, y = size − 1; every step
 * sinks by one. Actions: left (x − 1), right. Each step costs .01/size; the treasure pays 1 for going right from the
 * last column, or from the one before it, one row above the ground.
 */
function deepSeaTreasure(size = 5): TabularMdp {
  checkCount('deepSeaTreasure.size', size, 2);
  return deterministic(size * size, 2, size - 1, 0.9, (s, a) => {
    const [x, y] = [Math.floor(s / size), s % size];
    if (y === 0) return [s, 0];
    const to = clip(x + (a === 0 ? -1 : 1), size - 1);
    const found = a === 1 && y === 1 && to === size - 1;
    return [size * to + y - 1, found ? 1 : -0.01 / size];
  });
}

/**
 * A bandit: one state whose every action ends, γ 0, so that J = Σ p·mean.
 * @param means expected reward of each arm
 * @throws ConfigError for no arm and for a mean that is not finite; DataError for what is no list
 */
function bandit(means: readonly number[]): TabularMdp {
  checkNumbers('bandit.means', means);
  if (means.length === 0)
    throw new ConfigError({ where: 'bandit', what: 'there is no arm', wanted: 'means of at least one' });
  for (const [arm, mean] of means.entries())
    checkOption(`bandit.means[${arm}]`, mean, Number.isFinite(mean), 'a finite number');
  return {
    S: 1,
    A: means.length,
    P: new Float64Array(means.length).fill(1),
    r: Float64Array.from(means),
    mu: Float64Array.of(1),
    gamma: 0,
  };
}

/** The paper's tasks by name. */
export const mdps = { cliffWorld, deepSeaTreasure, bandit } as const;

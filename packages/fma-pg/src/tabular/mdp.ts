/**
 * Markov decision processes as arrays: float64, synchronous, no tensors. What the exact methods of this folder run on.
 */
import { checkCount, checkOption, DataError } from '@gimbal/tensor-core';
import { checkParts } from '../internal/given.ts';

/** S states, A actions. Any object of this shape will do; nothing in it is changed. */
export interface TabularMdp {
  /** number of states */
  readonly S: number;
  /** number of actions */
  readonly A: number;
  /** P[(s·A + a)·S + s'] = Pr(s' | s, a), `[S·A·S]` */
  readonly P: Float64Array;
  /** r[s·A + a], expected reward, `[S·A]` */
  readonly r: Float64Array;
  /** distribution of the first state, `[S]` */
  readonly mu: Float64Array;
  /** discount, 0 ≤ γ < 1 */
  readonly gamma: number;
}

const tolerance = 1e-9;

/**
 * Refuses what is no MDP.
 * @throws DataError naming the first row or entry that is wrong; ConfigError for γ outside [0, 1)
 */
export function checkMdp(mdp: TabularMdp): void {
  checkSizes(mdp);
  const { S, A, P, r, mu, gamma } = mdp;
  checkOption(
    'mdp.gamma',
    gamma,
    gamma >= 0 && gamma < 1,
    'a number in [0, 1)',
    'With γ = 1 a recurrent class makes I − γP singular: use a discount below 1',
  );
  checkLength('mdp.P', P, S * A * S);
  checkLength('mdp.r', r, S * A);
  checkLength('mdp.mu', mu, S);
  for (let row = 0; row < S * A; row++) {
    const where = `mdp.P, state ${Math.floor(row / A)}, action ${row % A}`;
    checkDistribution(where, P.subarray(row * S, (row + 1) * S));
    const reward = r[row] as number;
    if (!Number.isFinite(reward)) {
      const at = `mdp.r, state ${Math.floor(row / A)}, action ${row % A}`;
      throw new DataError({ where: at, what: 'the reward is not finite', got: reward, wanted: 'a finite number' });
    }
  }
  checkDistribution('mdp.mu', mu);
}

/**
 * Refuses a table that is no policy of this MDP.
 * @param policy probabilities `[S·A]`
 * @throws DataError naming the state
 */
export function checkPolicy({ S, A }: TabularMdp, policy: Float64Array): void {
  checkLength('policy', policy, S * A);
  for (let s = 0; s < S; s++) checkDistribution(`policy, state ${s}`, policy.subarray(s * A, (s + 1) * A));
}

/**
 * The policy that takes every action with the same probability, `[S·A]`.
 * @throws DataError for no MDP; ConfigError for numbers of states or actions that are none
 */
export function uniformPolicy(mdp: TabularMdp): Float64Array {
  checkSizes(mdp);
  return new Float64Array(mdp.S * mdp.A).fill(1 / mdp.A);
}

function checkSizes(mdp: TabularMdp): void {
  checkParts('mdp', mdp, '{ S, A, P, r, mu, gamma }');
  checkCount('mdp.S', mdp.S);
  checkCount('mdp.A', mdp.A);
}

/** Largest reward minus smallest. */
export function rewardRange({ r }: TabularMdp): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const x of r) [low, high] = [Math.min(low, x), Math.max(high, x)];
  return high - low;
}

export function checkLength(where: string, array: Float64Array, length: number): void {
  if (!(array instanceof Float64Array)) {
    const got = Array.isArray(array) ? 'an array' : typeof array;
    throw new DataError({ where, what: 'wrong kind', got, wanted: 'a Float64Array', fix: 'Use Float64Array.from' });
  }
  if (array.length === length) return;
  throw new DataError({ where, what: 'wrong length', got: array.length, wanted: String(length) });
}

function checkDistribution(where: string, p: Float64Array): void {
  let total = 0;
  for (const x of p) {
    if (!(x >= 0))
      throw new DataError({ where, what: 'a probability is negative or no number', got: x, wanted: 'a number ≥ 0' });
    total += x;
  }
  if (Math.abs(total - 1) <= tolerance) return;
  throw new DataError({ where, what: 'the probabilities do not sum to 1', got: total, wanted: '1 ± 1e-9' });
}

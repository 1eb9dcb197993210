// Search for a text that a reward likes, in vector space: the cross-entropy method (Rubinstein 1999; De Boer et al. 2005)
// on whitened coordinates, which begins as the normal distribution fitted to the training sentences' codes.
//
//   a_i ~ N(m, diag s²),  z_i = project(μ + L a_i);  of the `elite` best: m ← (1 − c) m + c·mean, s ← max((1 − c) s + c·std, floor)

import type { RewardFn, Rng } from '@gimbal/tensor-core';
import { optionNames, StoppedError } from '@gimbal/tensor-core';
import { decodeCodes } from '../decoding/decode-codes.ts';
import { checkKnown } from '../internal/check-names.ts';
import { checkRng } from '../internal/check-rng.ts';
import { checkSignal } from '../internal/check-signal.ts';
import { refusal } from '../internal/refuse.ts';
import { untilAborted } from '../internal/until-aborted.ts';
import type { Vec2Text } from '../model/module.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import type { Codes } from '../space/codes.ts';
import { asActionSpace } from './action-space.ts';
import { checkedRewards } from './rewards.ts';

/** How to search. */
export interface OptimiseOptions {
  /** Texts that are scored in all. */
  episodes: number;
  /** Texts of a round (60). */
  population?: number;
  /** Texts of a round that the next follows (10). */
  elite?: number;
  /** c: how far a round moves mean and deviation (.7). */
  smoothing?: number;
  /** Least deviation (.1). */
  floor?: number;
  /** What the reward is given as prompt (''). */
  prompt?: string;
  /** Where chance comes from. */
  rng: Rng;
  /** Stops between two rounds, or where the reward does not answer, with a StoppedError. */
  signal?: AbortSignal;
}

const names = optionNames<OptimiseOptions>({
  ...{ episodes: true, population: true, elite: true, smoothing: true, floor: true, prompt: true },
  ...{ rng: true, signal: true },
});

/** What a round found. */
export interface OptimiseStep {
  /** Rounds so far. */
  readonly step: number;
  /** texts scored so far */
  readonly episodes: number;
  /** mean reward of the round */
  readonly reward: number;
  /** best reward so far */
  readonly best: number;
  /** mean deviation after it */
  readonly deviation: number;
  readonly [metric: string]: number;
}

/** Where the search ended. */
export interface Optimised {
  /** The best text that was scored. */
  readonly text: string;
  /** Its code [k]. */
  readonly z: Codes;
  /** Its reward. */
  readonly reward: number;
  /** Where the last round's distribution has its mean: a code [k], and its text, which was not scored. */
  readonly mean: { readonly z: Codes; readonly text: string };
}

/**
 * Searches the control space for texts of high reward; one step a round. A text without a reward (null) is never among the
 * best.
 * @throws ConfigError for options out of range, a reward that is no function or a space without bounds; NumericalError
 * (`NOT_FINITE`) for a reward that is no number, naming the text; DataError (`NO_DATA`) for a round in which no text has one
 */
export async function* optimise(
  model: Vec2Text,
  reward: RewardFn,
  o: OptimiseOptions,
): AsyncGenerator<OptimiseStep, Optimised> {
  checkKnown('optimise', o, names);
  checkThat('optimise.reward', typeof reward === 'function', typeof reward, 'a function (prompts, texts) → rewards');
  const { episodes, population = 60, elite = 10, smoothing = 0.7, floor = 0.1, prompt = '', rng, signal } = o;
  checkSize('optimise.population', population, 2);
  checkSize('optimise.elite', elite);
  checkThat('optimise.elite', elite <= population, elite, `at most the population, ${population}`);
  checkSize('optimise.episodes', episodes);
  checkThat('optimise.episodes', episodes >= population, episodes, `at least one round, ${population}`);
  checkThat('optimise.smoothing', smoothing > 0 && smoothing <= 1, smoothing, 'a number in (0, 1]');
  checkThat('optimise.floor', Number.isFinite(floor) && floor >= 0, floor, 'a finite number ≥ 0');
  checkRng('optimise.rng', rng);
  checkSignal('optimise', signal);
  const space = asActionSpace(model);
  const [k] = space.shape;
  const mean = new Float64Array(k);
  const deviation = new Float64Array(k).fill(1);
  let best: { text: string; z: Codes; reward: number } | undefined;
  const rounds = Math.floor(episodes / population);
  for (let step = 1; step <= rounds; step++) {
    if (signal?.aborted) throw new StoppedError({ where: 'optimise', what: `stopped after ${step - 1} rounds` });
    const actions = new Float32Array(population * k);
    for (let i = 0; i < actions.length; i++)
      actions[i] = (mean[i % k] as number) + (deviation[i % k] as number) * rng.normal();
    const z = space.toCode(actions);
    const texts = (await decodeCodes(model, z, { project: true, ...(signal && { signal }) })).map(({ text }) => text);
    // a copy: what a reward does to its list is its own affair
    const prompts = texts.map(() => prompt);
    const rewards = checkedRewards(await untilAborted('optimise.reward', reward(prompts, [...texts]), signal), texts);
    if (rewards.every((r) => r === Number.NEGATIVE_INFINITY)) {
      const what = `no text of round ${step} has a reward: there is nothing to follow`;
      throw refusal('NO_DATA', {
        where: 'optimise',
        what,
        got: `null for all ${population}`,
        wanted: 'a number for some',
      });
    }
    const order = [...rewards.keys()].sort((a, b) => (rewards[b] as number) - (rewards[a] as number) || a - b);
    const first = order[0] as number;
    if (best === undefined || (rewards[first] as number) > best.reward)
      best = { text: texts[first] as string, z: z.slice(first * k, (first + 1) * k), reward: rewards[first] as number };
    const chosen = order.slice(0, elite).filter((i) => rewards[i] !== Number.NEGATIVE_INFINITY);
    follow(
      mean,
      deviation,
      chosen.map((i) => actions.subarray(i * k, (i + 1) * k)),
      smoothing,
      floor,
    );
    const known = rewards.filter((r) => r !== Number.NEGATIVE_INFINITY);
    yield {
      step,
      episodes: step * population,
      reward: known.reduce((a, b) => a + b, 0) / known.length,
      best: best.reward,
      deviation: deviation.reduce((a, b) => a + b, 0) / k,
    };
  }
  const z = space.toCode(Float32Array.from(mean));
  const text = (await decodeCodes(model, z, { project: true }))[0]?.text as string;
  return { ...(best as { text: string; z: Codes; reward: number }), mean: { z, text } };
}

/** Moves mean and deviation towards those of the chosen. */
function follow(
  mean: Float64Array,
  deviation: Float64Array,
  chosen: readonly Float32Array[],
  c: number,
  floor: number,
): void {
  for (let j = 0; j < mean.length; j++) {
    const m = chosen.reduce((sum, a) => sum + (a[j] as number), 0) / chosen.length;
    const s = Math.sqrt(chosen.reduce((sum, a) => sum + ((a[j] as number) - m) ** 2, 0) / chosen.length);
    mean[j] = (1 - c) * (mean[j] as number) + c * m;
    deviation[j] = Math.max((1 - c) * (deviation[j] as number) + c * s, floor);
  }
}

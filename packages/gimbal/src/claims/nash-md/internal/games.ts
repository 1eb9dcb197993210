// What the tabular claims share: the games, and a run's last record.
import {
  type IterateOptions,
  iterate,
  preferenceGames,
  type RegularizedGame,
  regularizedGame,
  type TabularStep,
} from '@gimbal/nash-md';
import type { Rng } from '@gimbal/tensor-core';
import { breathe } from '../../../reproduce/checks.ts';

/** The reference policy of the three-response games. */
export const skewed = Float64Array.of(0.7, 0.2, 0.1);

/** The cyclic game in which each response always beats the next. */
export const circle = (tau: number): RegularizedGame => regularizedGame(preferenceGames.cyclic(1), tau, skewed);

/** Exponential weights, normalised. */
export function distribution(n: number, r: Rng): Float64Array {
  const weights = Float64Array.from({ length: n }, () => -Math.log(1 - r.uniform()) + 1e-6);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
}

/** The largest |a − b|. */
export const apart = (a: Float64Array, b: Float64Array): number =>
  Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))));

/** The record after the last step. Gives the event loop a turn before it starts, so that Ctrl-C is heard between runs. */
export async function lastOf(game: RegularizedGame, o: IterateOptions): Promise<TabularStep> {
  await breathe(o.signal);
  let last: TabularStep | undefined;
  for (const step of iterate(game, { every: Math.max(1, o.steps), ...o })) last = step;
  return last as TabularStep;
}

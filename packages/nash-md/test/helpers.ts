// What several tests of games share.
import type { Rng } from '@gimbal/tensor-core';
import { preferenceGames, type RegularizedGame, regularizedGame } from '../src/index.ts';

/** The reference policy of the golden values. */
export const skewed = [0.7, 0.2, 0.1];

/** A distribution over n outcomes: exponential weights, normalised. */
export function distribution(n: number, r: Rng): Float64Array {
  const weights = Float64Array.from({ length: n }, () => -Math.log(1 - r.uniform()) + 1e-6);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
}

export const randomGame = (n: number, tau: number, r: Rng): RegularizedGame =>
  regularizedGame(preferenceGames.random(n, r), tau, distribution(n, r));

/** The largest |a − b|. */
export const apart = (a: Float64Array, b: Float64Array): number =>
  Math.max(...a.map((x, i) => Math.abs(x - (b[i] as number))));

/** What an error says, as `code: message`. */
export function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
  throw new Error('nothing was refused');
}

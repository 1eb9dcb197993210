// What the tabular claims share: the games, a run's last record, and checks that are counted.
import {
  type IterateOptions,
  iterate,
  preferenceGames,
  type RegularizedGame,
  regularizedGame,
  type TabularStep,
} from '@gimbal/nash-md';
import { type Rng, StoppedError } from '@gimbal/tensor-core';
import type { Measurement } from '../../../reproduce/claim.ts';

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

/** A turn of the event loop; throws when the run was stopped. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal?.aborted) throw new StoppedError({ where: 'gimbal reproduce nash-md', what: 'stopped between two runs' });
}

export const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;

/** Checks that are counted and the first of which to fail are named. */
export class Checks {
  #passed = 0;
  readonly #failed: string[] = [];

  expect(what: string, good: boolean): void {
    if (good) this.#passed++;
    else this.#failed.push(what);
  }

  /** got ≤ wanted */
  most(what: string, got: number, wanted: number): void {
    this.expect(`${what}: ${got}, wanted ≤ ${wanted}`, got <= wanted);
  }

  /** got ≥ wanted */
  least(what: string, got: number, wanted: number): void {
    this.expect(`${what}: ${got}, wanted ≥ ${wanted}`, got >= wanted);
  }

  /** |got − wanted| ≤ tolerance */
  near(what: string, got: number, wanted: number, tolerance: number): void {
    this.expect(`${what}: ${got}, wanted ${wanted} ± ${tolerance}`, Math.abs(got - wanted) <= tolerance);
  }

  /** The measurement, with a summary in front of the count. */
  result(summary: string): Measurement {
    const total = this.#passed + this.#failed.length;
    const failures = this.#failed.length === 0 ? '' : `; failed: ${this.#failed.slice(0, 3).join('; ')}`;
    return {
      measured: `${summary}; ${this.#passed} of ${total} checks${failures}`,
      verdict: this.#failed.length === 0 ? 'holds' : 'fails',
    };
  }
}

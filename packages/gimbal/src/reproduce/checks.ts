// Checks of a claim: many numbers against what is wanted of them, counted, the first that fail named.
import { StoppedError } from '@gimbal/tensor-core';
import type { Measurement } from './claim.ts';

/** A turn of the event loop; throws when the run was stopped. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (signal?.aborted) throw new StoppedError({ where: 'gimbal reproduce', what: 'stopped between two runs' });
}

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

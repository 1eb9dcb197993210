// What the tabular claims share: the two tasks, and what is read off a run. Everything here is exact and has no seed.
import {
  mdps,
  type TabularIteration,
  type TabularMdp,
  type TabularMethod,
  type TabularOptions,
  tabularFmaPg,
} from '@gimbal/fma-pg';
import { StoppedError } from '@gimbal/tensor-core';
import type { Measurement } from '../../../reproduce/claim.ts';

/** η, of methods whose surrogates have a KL or weights to scale by it. */
export const etaOf = (method: TabularMethod, eta: number): { eta?: number } =>
  ['reinforce', 'cpi', 'ppo', 'sppo'].includes(method) ? {} : { eta };

export const cliff = { name: 'CliffWorld', mdp: mdps.cliffWorld(), best: 0.9 ** 6 };
export const sea = { name: 'DeepSea', mdp: mdps.deepSeaTreasure(), best: 0.729 - 0.002 * 2.71 };
export type Task = typeof cliff;

/** J and policy before each update. Gives the event loop a turn first, so that Ctrl-C is heard between runs. */
export async function iterates(mdp: TabularMdp, o: TabularOptions): Promise<TabularIteration[]> {
  await new Promise((resolve) => setImmediate(resolve));
  if (o.signal?.aborted) throw new StoppedError({ where: 'gimbal reproduce fma-pg', what: 'stopped between two runs' });
  return [...tabularFmaPg(mdp, o)];
}

/** J before each update. */
export const returns = async (mdp: TabularMdp, o: TabularOptions): Promise<number[]> =>
  (await iterates(mdp, o)).map(({ J }) => J);

/** The first iteration whose policy has .99 of the best return; −1 if there is none. */
export const passes = (J: readonly number[], best: number): number => J.findIndex((x) => x >= 0.99 * best);

/** The smallest change from one iteration to the next. */
export const leastChange = (J: readonly number[]): number => {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < J.length; i++) least = Math.min(least, (J[i] as number) - (J[i - 1] as number));
  return least;
};

export const last = (J: readonly number[]): number => J.at(-1) as number;

/** Checks that are counted and the first of which to fail is named. */
export class Checks {
  #passed = 0;
  readonly #failed: string[] = [];

  expect(what: string, good: boolean): void {
    if (good) this.#passed++;
    else this.#failed.push(what);
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

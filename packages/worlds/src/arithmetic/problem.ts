// A problem and its solution.
import { WorldError } from '../errors.ts';
import type { Rng } from '../rng.ts';
import type { ArithmeticSettings } from './options.ts';

/** A problem and its solution, as text. */
export interface Problem {
  /** A digit, the operations and `=`. */
  readonly prompt: string;
  /** The running results. */
  readonly completion: string;
}

/** The running results of a start and the indices of its operations. */
export function solve(start: number, operations: readonly number[], s: ArithmeticSettings): number[] {
  let value = start;
  return operations.map((k) => {
    value = add(value, s.operations[k] as number, s.modulus);
    return value;
  });
}

/** value + step in [0, modulus), also for negative steps. */
export const add = (value: number, step: number, modulus: number): number =>
  (((value + step) % modulus) + modulus) % modulus;

/** Draws `n` different problems whose prompts are not in `except`. */
export function drawProblems(n: number, s: ArithmeticSettings, rng: Rng, except?: ReadonlySet<string>): Problem[] {
  const all = s.modulus * s.operations.length ** s.steps;
  if (n + (except?.size ?? 0) > all) {
    throw new WorldError('config', {
      where: 'arithmetic.problems',
      what: 'more different problems than there are',
      got: n,
      wanted: `at most ${all - (except?.size ?? 0)}`,
    });
  }
  const drawn = new Map<string, Problem>();
  while (drawn.size < n) {
    const start = rng.int(s.modulus);
    const operations = Array.from({ length: s.steps }, () => rng.int(s.operations.length));
    const steps = operations.map((k) => s.operations[k] as number);
    const prompt = [start, ...steps.map((k) => (k < 0 ? `${k}` : `+${k}`)), '='].join(' ');
    if (except?.has(prompt)) continue;
    drawn.set(prompt, { prompt, completion: solve(start, operations, s).join(' ') });
  }
  return [...drawn.values()];
}

/**
 * Values that may change over a run: a number, a straight line, or a function of the share of the run that is done.
 * The first two are plain data: a checkpoint holds them, and a resumed run has them back.
 */
import { checkOption } from '@gimbal/tensor-core';

/** A constant, a straight line, or any function of the share of the run that is done. */
export type Anneal = number | { readonly from: number; readonly to: number } | ((progress: number) => number);

/** A straight line from the start of the run to its end. */
export const linear = (from: number, to: number): { readonly from: number; readonly to: number } => ({ from, to });

/**
 * @param progress share of the run that is done, 0 … 1
 */
export function annealed(value: Anneal, progress: number): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'function') return value(progress);
  return value.from + (value.to - value.from) * Math.min(Math.max(progress, 0), 1);
}

/** The number that an option is by now; undefined for an option that is none. */
export function numberAt(x: unknown, progress: number): number | undefined {
  const is = typeof x === 'number' || typeof x === 'function' || (typeof x === 'object' && x !== null && 'from' in x);
  return is ? annealed(x as Anneal, progress) : undefined;
}

/** Refuses a value that does not pass the test at the start or at the end. */
export function checkAnneal(where: string, value: Anneal, good: (x: number) => boolean, wanted: string): void {
  const ends = typeof value === 'function' ? [value(0)] : [annealed(value, 0), annealed(value, 1)];
  for (const end of ends) checkOption(where, end, Number.isFinite(end) && good(end), wanted);
}

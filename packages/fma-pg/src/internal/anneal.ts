/**
 * Values that may change over a run: a number, a straight line, or a function of the share of the run that is done.
 * The first two are plain data: a checkpoint holds them, and a resumed run has them back.
 */
import { ConfigError, checkKnown, checkOption } from '@gimbal/tensor-core';

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

/** What an option has to be. */
export interface Range {
  readonly good: (x: number) => boolean;
  readonly wanted: string;
}

export const positive: Range = { good: (x) => x > 0, wanted: 'a finite number > 0' };
export const notNegative: Range = { good: (x) => x >= 0, wanted: 'a finite number ≥ 0' };
export const share: Range = { good: (x) => x >= 0 && x <= 1, wanted: 'a number from 0 to 1' };

/**
 * `annealed`, of a schedule that may be the user's function: it was looked at at the start of the run only.
 * @throws ConfigError naming the option and the share of the run that is done
 */
export function annealedWithin(where: string, value: Anneal, progress: number, { good, wanted }: Range): number {
  const x = annealed(value, progress);
  if (typeof value !== 'function' || (typeof x === 'number' && Number.isFinite(x) && good(x))) return x;
  const at = Number(progress.toPrecision(3));
  throw new ConfigError({ where: `${where}, progress ${at}`, what: 'out of range', got: x, wanted });
}

/** The number that an option is by now; undefined for an option that is none. */
export function numberAt(x: unknown, progress: number): number | undefined {
  const is = typeof x === 'number' || typeof x === 'function' || (typeof x === 'object' && x !== null && 'from' in x);
  return is ? annealed(x as Anneal, progress) : undefined;
}

/** An option as it is at one moment: of one with parts (a clip of unequal sides) each of them, and what never changes as it is. */
export function annealedParts(x: unknown, progress: number): unknown {
  if (typeof x === 'function') return annealed(x as Anneal, progress);
  if (typeof x !== 'object' || x === null) return x;
  return 'from' in x ? annealed(x as Anneal, progress) : Object.values(x).map((part) => annealedParts(part, progress));
}

/**
 * Refuses a value that does not pass the test at the start or at the end.
 * @throws ConfigError, too, for what is no number, no straight line and no function
 */
export function checkAnneal(where: string, value: Anneal, good: (x: number) => boolean, wanted: string): void {
  checkForm(where, value, wanted);
  const ends = typeof value === 'function' ? [value(0)] : [annealed(value, 0), annealed(value, 1)];
  for (const end of ends) checkOption(where, end, Number.isFinite(end) && good(end), wanted);
}

function checkForm(where: string, value: unknown, wanted: string): void {
  if (typeof value === 'number' || typeof value === 'function') return;
  const line = (typeof value === 'object' ? value : null) as { from?: unknown; to?: unknown } | null;
  if (line === null || Array.isArray(line)) {
    const schedule = `${wanted}, or linear(from, to)`;
    throw new ConfigError({ where, what: 'neither a number nor a schedule', got: value, wanted: schedule });
  }
  checkKnown(where, line, ['from', 'to']);
  for (const end of ['from', 'to'] as const)
    checkOption(`${where}.${end}`, line[end], typeof line[end] === 'number', wanted);
}

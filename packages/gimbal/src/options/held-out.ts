// --held-out: how many rows are set aside.
import { ConfigError, type Rng } from '@gimbal/tensor-core';
import { z } from 'zod';

/** A number of rows, or a share below 1. */
export const heldOutOption = z
  .number()
  .positive()
  .refine((rows) => rows < 1 || Number.isInteger(rows), 'neither a share below 1 nor a whole number of rows');

/** @throws ConfigError if a value that was given leaves none of `n` rows to train on; one row is too few for any value */
export function checkHeldOut(command: string, heldOut: number | undefined, n: number): void {
  if (heldOut === undefined || n < 2) return;
  const count = heldOut < 1 ? Math.max(1, Math.round(heldOut * n)) : heldOut;
  if (count < n) return;
  throw new ConfigError({
    where: `gimbal ${command} --held-out`,
    what: 'nothing is left to train on',
    got: `${heldOut} of ${n} rows`,
    wanted: `a share below 1, or 1 to ${n - 1} rows`,
  });
}

/**
 * What is set aside of `n` rows: what was given, or a tenth, at most `most`.
 * @returns a number of rows, or a share below 1
 * @throws ConfigError as `checkHeldOut`
 */
export function heldOutOf(command: string, heldOut: number | undefined, n: number, most = 256): number {
  checkHeldOut(command, heldOut, n);
  return heldOut ?? Math.max(1, Math.min(most, Math.floor(n / 10)));
}

/**
 * Rows to learn from and rows to be measured on, drawn; a single one is both.
 * @param share as `heldOutOf` returns it
 */
export function splitRows<T>(
  rows: readonly T[],
  share: number,
  rng: Rng,
): { training: readonly T[]; heldOut: readonly T[] } {
  if (rows.length === 1) return { training: rows, heldOut: rows };
  const count = share < 1 ? Math.max(1, Math.round(share * rows.length)) : share;
  const order = rng.shuffle(rows);
  return { training: order.slice(count), heldOut: order.slice(0, count) };
}

/** `3 of 40 rows are equal to one before them`. */
export const duplicatesText = (duplicates: number, of: number, what = 'row'): string =>
  `${duplicates} of ${of} ${what}s ${duplicates === 1 ? 'is' : 'are'} equal to one before ${duplicates === 1 ? 'it' : 'them'}`;

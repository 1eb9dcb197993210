// --held-out: how many rows are set aside.
import { ConfigError } from '@gimbal/tensor-core';
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

// What an info says of allowed actions, or its error.
import { actionMaskFault } from '@gimbal/tensor-core';

/**
 * Reads a mask into `out` from entry `at` on: 1 = allowed.
 * @param nvec choices of each component
 * @param mayBeEmpty nothing may be allowed: after the end of an episode nothing is chosen
 * @throws ConfigError for what is no mask, has another length, holds anything but 0, 1, true and false, or allows nothing
 */
export function readMask(
  mask: unknown,
  nvec: readonly number[],
  out: Uint8Array,
  at: number,
  where: () => string,
  mayBeEmpty = false,
): void {
  const fault = actionMaskFault(mask, nvec, where, { out, at, mayBeEmpty });
  if (fault !== undefined) throw fault;
}

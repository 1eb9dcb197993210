// A mask of allowed actions as agents keep it, or its error.
import { actionMaskFault } from '@gimbal/tensor-core';

/**
 * Reads a mask into `out` from entry `at` on: 1 = allowed.
 * @param nvec choices of each component; undefined: the action has none, and no mask fits
 * @param mayBeEmpty nothing may be allowed, as after the end of an episode, where nothing is chosen; a component of which
 * nothing is allowed is read as one of which everything is: whatever is chosen there is ignored
 * @throws ConfigError for what is no mask, has another length, holds anything but 0, 1, true and false, or allows nothing
 */
export function readMask(
  mask: unknown,
  nvec: readonly number[] | undefined,
  out: Uint8Array,
  at: number,
  where: () => string,
  mayBeEmpty = false,
): void {
  const fault = actionMaskFault(mask, nvec, where, { out, at, mayBeEmpty });
  if (fault !== undefined) throw fault;
  if (!mayBeEmpty || nvec === undefined) return;
  let from = at;
  for (const choices of nvec) {
    const part = out.subarray(from, from + choices);
    if (!part.includes(1)) part.fill(1);
    from += choices;
  }
}

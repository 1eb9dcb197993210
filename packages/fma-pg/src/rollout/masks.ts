// What an info says of allowed actions, or its error.
import { actionMaskFault, ConfigError } from '@gimbal/tensor-core';

/**
 * The mask of an info, as it was given; undefined where it has none.
 * @param where the environment and its step
 * @throws ConfigError for `info.action_mask`, as Gymnasium and PettingZoo spell it, which nobody would read
 */
export function givenMask(info: { actionMask?: unknown; action_mask?: unknown }, where: () => string): unknown {
  const { actionMask, action_mask: other } = info;
  if (actionMask === undefined && other !== undefined) {
    const fix = 'Name it actionMask, for each choice 1 where it is allowed and 0 where not';
    throw new ConfigError({ where: where(), what: 'it is named as Gymnasium names it', got: 'info.action_mask', fix });
  }
  return actionMask;
}

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

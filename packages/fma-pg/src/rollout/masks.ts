// What an info says of allowed actions.
import { ConfigError } from '@gimbal/tensor-core';

/** 1 or true = allowed, the choices of all components side by side. */
export type ActionMask = ArrayLike<number | boolean>;

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
  const width = nvec.reduce((n, k) => n + k, 0);
  if (!isList(mask)) {
    const fix = 'Leave actionMask out where every action is allowed';
    const got = typeof mask === 'string' ? 'a string' : String(mask);
    throw new ConfigError({ where: where(), what: 'it is no list', got, wanted: `${width} of 0 or 1`, fix });
  }
  if (mask.length !== width)
    throw new ConfigError({ where: where(), what: 'wrong length', got: mask.length, wanted: String(width) });
  let j = 0;
  for (let component = 0; component < nvec.length; component++) {
    let some = mayBeEmpty;
    for (const end = j + (nvec[component] as number); j < end; j++) {
      const value = mask[j];
      const isAllowed = value === 1 || value === true;
      if (!isAllowed && value !== 0 && value !== false) throw noFlag(value, j, where());
      out[at + j] = isAllowed ? 1 : 0;
      some ||= isAllowed;
    }
    if (!some)
      throw new ConfigError({
        where: where(),
        what: `every action of component ${component} is masked`,
        wanted: 'at least one that is allowed',
      });
  }
}

const isList = (mask: unknown): mask is ActionMask =>
  typeof mask === 'object' && mask !== null && typeof (mask as { length?: unknown }).length === 'number';

function noFlag(value: unknown, entry: number, where: string): ConfigError {
  const got = typeof value === 'number' ? value : `${typeof value} ${String(value)}`;
  const wanted = '1 or true where the action is allowed, 0 or false elsewhere';
  return new ConfigError({ where, what: `entry ${entry} says neither`, got, wanted });
}

// Options that would change nothing are refused: whoever gives one expects something of it.
import { ConfigError } from '@gimbal/tensor-core';

/**
 * @param given options as the caller gave them
 * @param names those that are not used
 * @param by what does not use them, for the message
 * @param idle values that say just that, by name
 * @throws ConfigError naming the first that was given
 */
export function refuseUnused(
  given: object,
  names: readonly string[],
  by: string,
  idle: { readonly [name: string]: unknown } = {},
): void {
  for (const name of names) {
    const value = (given as { [name: string]: unknown })[name];
    if (value === undefined || (Object.hasOwn(idle, name) && value === idle[name])) continue;
    throw new ConfigError({
      where: name,
      what: `${by} does not use it: it would change nothing`,
      got: typeof value === 'function' ? value.name || 'a function' : value,
      fix: 'Leave it out',
    });
  }
}

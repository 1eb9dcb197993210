// Options that this call would ignore: said, rather than left for the user to wonder about.
import { ConfigError } from '@gimbal/tensor-core';
import type { Given } from './resolve.ts';

/**
 * Refuses options that were given and have no meaning here.
 * @param command as it is typed: `gimbal nash-md`
 * @param given what stands on the command line and in the config file
 * @param ignored by camelCase name
 * @param what why
 * @throws ConfigError naming the flag or the place in the file
 */
export function refuseGiven(
  command: string,
  given: ReadonlyMap<string, Given>,
  ignored: readonly string[],
  what: string,
): void {
  for (const name of ignored) {
    const place = given.get(name)?.where;
    if (place === undefined) continue;
    const where = place.startsWith('--') ? `${command} ${place}` : `${place} (${name})`;
    throw new ConfigError({ where, what, fix: 'Leave it out' });
  }
}

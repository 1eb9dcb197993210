// Options of the library that came from flags: what it refuses of them is said in the words that the user typed.
import { ConfigError, type GimbalError } from '@gimbal/tensor-core';

/**
 * Calls the library.
 * @param command as it is typed: `gimbal gkd`
 * @param flags by the place that the library names, its first word: `{ divergence: '--divergence' }`
 * @throws ConfigError with the flag in place of that; all else as it came
 */
export async function inFlags<T>(
  command: string,
  flags: { readonly [where: string]: string },
  call: () => T | Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const { code, where, what, got, wanted, fix } = error as Partial<GimbalError>;
    const place = Object.keys(flags).find((name) => where === name || where?.startsWith(`${name} `));
    if (code !== 'ERR_CONFIG' || place === undefined) throw error;
    throw new ConfigError({
      ...{ where: `${command} ${flags[place]}`, what: `${what}`, got, wanted, cause: error },
      ...(fix !== undefined && { fix }),
    });
  }
}

/** Seeds of copies. */
import { ConfigError } from '@gimbal/tensor-core';

/**
 * One seed gives copy i the seed + i, so that it equals a single environment with that seed; a list is used as given.
 * @throws ConfigError for a list of another length
 */
export function seedsOf(
  seed: number | readonly (number | null)[] | undefined,
  numEnvs: number,
): readonly (number | null)[] | undefined {
  if (seed === undefined) return undefined;
  if (typeof seed === 'number') return Array.from({ length: numEnvs }, (_, i) => seed + i);
  const where = 'VectorEnv.reset';
  if (!Array.isArray(seed)) {
    throw new ConfigError({ where, what: 'bad seed', got: seed, wanted: 'a whole number, or a list of them' });
  }
  if (seed.length !== numEnvs) {
    throw new ConfigError({ where, what: 'one seed for each copy', got: seed.length, wanted: numEnvs });
  }
  return seed;
}

// Sizes of a model's description, checked before anything is made of them.
import { ConfigError } from '@gimbal/tensor-core';

/** More than any model has: a damaged config.json must not make lists of a billion names. */
const mostLayers = 10_000;

/** @throws ConfigError for a size that is not a whole number > 0, or absurdly many layers */
export function checkSizes(
  where: string,
  sizes: { readonly [name: string]: number | undefined },
  fixes: { readonly [name: string]: string } = {},
): void {
  for (const [name, value] of Object.entries(sizes)) {
    const most = name === 'layers' ? mostLayers : Number.MAX_SAFE_INTEGER;
    if (value !== undefined && Number.isSafeInteger(value) && value > 0 && value <= most) continue;
    throw new ConfigError({
      where: `${where}.${name}`,
      what: 'bad size',
      got: value,
      wanted: name === 'layers' ? `a whole number from 1 to ${mostLayers}` : 'a whole number > 0',
      ...(fixes[name] === undefined ? {} : { fix: fixes[name] }),
    });
  }
}

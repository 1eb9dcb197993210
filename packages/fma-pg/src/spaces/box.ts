// Sizes and bounds of boxes, as spaces give them.
import { type BoxSpace, ConfigError } from '@gimbal/tensor-core';

/**
 * Numbers in an array of a shape.
 * @throws ConfigError for what is no shape
 */
export function elementsOf(shape: readonly number[], where: string): number {
  if (Array.isArray(shape) && shape.every((d) => Number.isSafeInteger(d) && d >= 0))
    return shape.reduce((n, d) => n * d, 1);
  throw new ConfigError({ where, what: 'it has no shape', got: String(shape), wanted: 'whole numbers, as [3]' });
}

/**
 * Numbers in a box.
 * @throws ConfigError where its bounds are not as many, or no interval: no number, or low above high
 */
export function boxSize({ shape, low, high }: BoxSpace, where: string): number {
  const size = elementsOf(shape, where);
  for (const [name, bounds] of Object.entries({ low, high }))
    if (bounds?.length !== size)
      throw new ConfigError({
        where,
        what: `${name} has another length than the shape`,
        got: bounds?.length ?? 'nothing',
        wanted: size,
      });
  for (let i = 0; i < size; i++) {
    if ((low[i] as number) <= (high[i] as number)) continue;
    throw new ConfigError({
      where: `${where}, component ${i}`,
      what: 'the bounds are no interval',
      got: `[${low[i]}, ${high[i]}]`,
      wanted: 'low ≤ high; -Infinity and Infinity where there is none',
    });
  }
  return size;
}

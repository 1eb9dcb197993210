// Many small tensors as a few large ones, so that an operation for each becomes one for all.
import { concat, split, type Tensor } from '@tensorflow/tfjs-core';

/** Larger tensors stay alone: their operations take longer than the copies that would save some. */
const largestJoined = (gpu: boolean): number => (gpu ? 2 ** 22 : 2 ** 16);

/**
 * The positions of tensors that can lie one behind the other along their first axis, without being reshaped: those of
 * equal shape behind it, and of an equal key.
 */
export function joinable(
  tensors: readonly Tensor[],
  gpu: boolean,
  keyOf: (i: number) => string | number = () => 0,
): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, { shape, size }] of tensors.entries()) {
    const alone = shape.length === 0 || size === 0 || size > largestJoined(gpu);
    const key = alone ? `alone ${i}` : `${keyOf(i)} ${shape.slice(1)}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  return [...groups.values()];
}

/** The tensors of a group behind each other. */
export const join = (tensors: readonly Tensor[]): Tensor =>
  tensors.length === 1 ? (tensors[0] as Tensor) : concat([...tensors], 0);

/** What was joined, apart again. */
export const apart = (joined: Tensor, like: readonly Tensor[]): Tensor[] =>
  like.length === 1
    ? [joined]
    : split(
        joined,
        like.map((t) => t.shape[0] as number),
        0,
      );

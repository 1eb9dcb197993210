// Many small tensors as a few large ones, so that an operation for each becomes one for all.
import { concat, split, type Tensor } from '@tensorflow/tfjs-core';

/**
 * Elements of a tensor that is joined; larger ones stay alone, as the copies then take longer than the operations saved.
 * Measured on a CPU of 2 cores: up to these sizes a dozen equal tensors joined take 0.25–0.93 of their time alone (four of
 * 16,384 or 32,768, in AdamW, up to 1.4). Beyond, norms and moving averages took up to three times as long; AdamW went on to
 * gain (0.7–1), but holds copies of all that it joins. On a GPU each operation costs a launch: that limit is reckoned from
 * what launches and copies take, not measured.
 */
export const largestJoined = { adamW: 2 ** 16, polyak: 2 ** 12, norm: 2 ** 12, gpu: 2 ** 22 } as const;

/**
 * The positions of tensors that can lie one behind the other along their first axis, without being reshaped: those of
 * equal shape behind it, and of an equal key.
 * @param largest elements of a tensor that may be joined
 */
export function joinable(
  tensors: readonly Tensor[],
  largest: number,
  keyOf: (i: number) => string | number = () => 0,
): number[][] {
  const groups = new Map<string, number[]>();
  for (const [i, { shape, size }] of tensors.entries()) {
    const alone = shape.length === 0 || size === 0 || size > largest;
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

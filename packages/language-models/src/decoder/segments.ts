// Rows one after the other in one line, each of which sees only itself: attention by segment, positions that begin anew.
import { type AttentionOptions, attention } from '@gimbal/tensor-core';
import { concat, reshape, slice, type Tensor, type Tensor3D } from '@tensorflow/tfjs-core';

/** Segments of equal length that stand side by side. */
interface Run {
  start: number;
  count: number;
  length: number;
}

function runsOf(lengths: readonly number[]): Run[] {
  const runs: Run[] = [];
  let start = 0;
  for (const length of lengths) {
    const last = runs.at(-1);
    if (last?.length === length) last.count++;
    else runs.push({ start, count: 1, length });
    start += length;
  }
  return runs;
}

/** Positions of the line's tokens [T], from 0 in each segment. */
export const segmentPositions = (lengths: readonly number[]): Int32Array =>
  Int32Array.from(lengths.flatMap((length) => Array.from({ length }, (_, t) => t)));

/**
 * Attention within each segment.
 * @param q [1,T,H·D] with k and v, or packed without
 * @returns [1,T,H·D]
 */
export function segmentAttention(
  lengths: readonly number[],
  [q, k, v]: readonly [Tensor, Tensor | undefined, Tensor | undefined],
  o: AttentionOptions,
): Tensor3D {
  const parts = runsOf(lengths).map(({ start, count, length }) => {
    const take = (x: Tensor): Tensor =>
      reshape(slice(x, [0, start, 0], [1, count * length, -1]), [count, length, x.shape[2] as number]);
    const y = k && v ? attention(take(q), take(k), take(v), o) : attention(take(q), o);
    return reshape(y, [1, count * length, y.shape[2] as number]) as Tensor3D;
  });
  return parts.length === 1 ? (parts[0] as Tensor3D) : concat(parts, 1);
}

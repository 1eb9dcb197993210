// T5's positions: a learned number for each head and bucket of distances, added to the scores (Raffel et al., arXiv
// 1910.10683, §2.1). Near distances have a bucket each, far ones share buckets in logarithmic steps.
import { embedding } from '@gimbal/tensor-core';
import { reshape, type Tensor, type Tensor4D, tensor2d, transpose } from '@tensorflow/tfjs-core';

interface Buckets {
  buckets: number;
  maxDistance: number;
}

/**
 * The bucket of a distance, 0 to buckets − 1.
 * @param distance key − query
 * @param bothWays the encoder sees both directions and gives each half the buckets; the decoder sees only what is before
 */
export function relativeBucket(distance: number, bothWays: boolean, { buckets, maxDistance }: Buckets): number {
  const count = bothWays ? buckets / 2 : buckets;
  const first = bothWays && distance > 0 ? count : 0;
  const size = bothWays ? Math.abs(distance) : Math.max(-distance, 0);
  const exact = Math.floor(count / 2);
  if (size < exact) return first + size;
  // float32 at every step, as the reference: float64 would move distances that lie on a border
  const log = Math.fround(Math.log(Math.fround(size / exact)));
  const steps = Math.fround(Math.fround(log / Math.log(maxDistance / exact)) * (count - exact));
  return first + Math.min(count - 1, exact + Math.trunc(steps));
}

/**
 * What is added to the scores [1,H,T,S], differentiable in the table.
 * @param table [buckets,H]
 * @param offset position of the first query
 */
export function relativeBias(
  table: Tensor,
  [queries, keys]: readonly [number, number],
  o: Buckets & { bothWays: boolean; offset: number },
): Tensor4D {
  // a row of ids is the row before it, moved by one: each distance is looked at once
  const farthest = queries - 1 + o.offset;
  const byDistance = Int32Array.from({ length: queries - 1 + keys }, (_, d) =>
    relativeBucket(d - farthest, o.bothWays, o),
  );
  const ids = new Int32Array(queries * keys);
  for (let i = 0; i < queries; i++) {
    const first = queries - 1 - i;
    ids.set(byDistance.subarray(first, first + keys), i * keys);
  }
  const rows = embedding(tensor2d(ids, [queries, keys], 'int32'), table); // [T,S,H]
  const heads = table.shape[1] as number;
  return reshape(transpose(rows, [2, 0, 1]), [1, heads, queries, keys]) as Tensor4D;
}

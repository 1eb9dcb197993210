// The heads of attention.
import { reshape, type Tensor, transpose } from '@tensorflow/tfjs-core';

/** [B,T,H·D] → [B,H,T,D] */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, time, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
}

// DeBERTa's attention (He et al., arXiv 2006.03654 and 2111.09543; transformers' modeling_deberta_v2.py): scores also of
// tokens with the distance between them.
//
//   score(i,j) = [q_i·k_j + q_i·Kr(δ) + k_j·Qr(δ)] / √(n D),  δ = bucket(i − j),  n = 1 + the relative terms
//
// Kr and Qr are the keys and queries of a table of distances: near distances have a row each, far ones share rows in
// logarithmic steps. Both terms take the same row, because bucket(−x) = −bucket(x).
import type { Params } from '@gimbal/tensor-core';
import {
  add,
  gather,
  matMul,
  mul,
  reshape,
  softmax,
  type Tensor,
  type Tensor3D,
  tensor1d,
  transpose,
} from '@tensorflow/tfjs-core';
import { project } from '../adapters/project.ts';
import { branchAt } from '../decoder/params.ts';
import { splitHeads } from '../internal/heads.ts';
import type { EncoderConfig, RelativeOptions } from './config.ts';

/** The bucket of a distance i − j. */
export function distanceBucket(distance: number, { buckets, maxDistance }: RelativeOptions): number {
  const middle = Math.floor(buckets / 2);
  const size = Math.abs(distance);
  if (buckets <= 0 || size <= middle) return distance;
  const logarithm = Math.log(size / middle) / Math.log((maxDistance - 1) / middle);
  return Math.sign(distance) * (Math.ceil(logarithm * (middle - 1)) + middle);
}

const dense = (x: Tensor, p: Params): Tensor => project(p, x, 'out-in');

/**
 * One layer's attention.
 * @param layer the parameters under attention.self
 * @param table the table of distances [2S,D·H]
 * @param hidden [B,1,1,T], added to the scores of keys: 0, or far below where a key is padding
 */
export function debertaAttention(
  layer: Params,
  x: Tensor3D,
  table: Tensor,
  hidden: Tensor | undefined,
  c: EncoderConfig,
): Tensor3D {
  const r = c.relative as RelativeOptions;
  const [batch, time, width] = x.shape;
  const { heads } = c;
  const [q, k, v] = ['query_proj', 'key_proj', 'value_proj'].map((name) =>
    splitHeads(dense(x, branchAt(layer, name)), heads),
  ) as [Tensor, Tensor, Tensor];
  const scale = 1 / Math.sqrt((width / heads) * (1 + r.types.length));
  let scores: Tensor = matMul(q, k, false, true); // [B,H,T,T]

  const rows = table.shape[0] as number;
  const half = rows / 2;
  /** Products [B,H,T,2S] of tokens with every distance, and of them the one of each pair. */
  const relative = (tokens: Tensor, name: string, shared: string, isKey: boolean): Tensor => {
    const projected = dense(reshape(table, [1, rows, width]), branchAt(layer, r.shareKeys ? shared : name));
    const all = matMul(tokens, reshape(splitHeads(projected, heads), [1, heads, rows, width / heads]), false, true);
    const index = new Int32Array(time * time);
    for (let i = 0; i < time; i++) {
      for (let j = 0; j < time; j++) {
        const row = Math.min(Math.max(distanceBucket(i - j, r) + half, 0), rows - 1);
        index[i * time + j] = (isKey ? j : i) * rows + row;
      }
    }
    const flat = reshape(all, [batch * heads, time * rows]);
    return reshape(gather(flat, tensor1d(index, 'int32'), 1), [batch, heads, time, time]);
  };
  if (r.types.includes('c2p')) scores = add(scores, relative(q, 'pos_key_proj', 'key_proj', false));
  if (r.types.includes('p2c')) scores = add(scores, relative(k, 'pos_query_proj', 'query_proj', true));
  const scaled = mul(scores, scale);
  const seen = softmax(hidden === undefined ? scaled : add(scaled, hidden));
  return reshape(transpose(matMul(seen, v), [0, 2, 1, 3]), [batch, time, width]) as Tensor3D;
}

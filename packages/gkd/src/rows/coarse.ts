/**
 * Distributions coarsened to some tokens, the teacher's or the student's likeliest, and one bucket for all others: Σ_K p f + p_rest f_rest, the
 * student normalised over the whole vocabulary. A lower bound of every divergence of §2.2's kind, monotone in K, exact at
 * K = V; dropping the rest is no divergence at all, and renormalising over K can be far off.
 */
import { logSumExp } from '@gimbal/tensor-core';
import { add, concat, fill, gatherND, reshape, scatterND, sub, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import type { TopK } from '../teachers/teacher.ts';

/** Where K ids a row stand `[rows · K, 2]`. */
function indicesOf(ids: Int32Array, rows: number): Tensor2D {
  const K = ids.length / Math.max(1, rows);
  const places = new Int32Array(ids.length * 2);
  for (const [i, id] of ids.entries()) places.set([Math.floor(i / K), id], 2 * i);
  return tensor2d(places, [ids.length, 2], 'int32');
}

/**
 * log Σ p of all tokens but K a row `[rows, 1]`; differentiable. The caller's scope owns it.
 * @param z `[rows, V]`
 */
export function othersLogProb(z: Tensor2D, ids: Int32Array): Tensor2D {
  const [rows, V] = z.shape;
  const mask = scatterND(indicesOf(ids, rows), fill([ids.length], away), [rows, V]);
  const rest = reshape(logSumExp(add(z, mask) as Tensor2D, -1), [rows, 1]);
  return sub(rest, reshape(logSumExp(z, -1), [rows, 1])) as Tensor2D;
}

/** takes a token out of a log-sum-exp */
const away = -1e30;

/** Rows `from` on. */
export function sliceTopK({ ids, logp, tail }: TopK, from: number, count: number): TopK {
  const K = tail.length === 0 ? 0 : ids.length / tail.length;
  return {
    ids: ids.slice(from * K, (from + count) * K),
    logp: logp.slice(from * K, (from + count) * K),
    tail: tail.slice(from, from + count),
  };
}

/**
 * Both sides as log-probabilities `[rows, K + 1]`, the rest last.
 * @param z the student's logits `[rows, V]`, divided by its temperature; differentiable
 */
export function coarsen(z: Tensor2D, top: TopK): { student: Tensor2D; teacher: Tensor2D } {
  const [rows] = z.shape;
  const K = top.ids.length / rows;
  const kept = reshape(gatherND(z, indicesOf(top.ids, rows)), [rows, K]);
  const lse = reshape(logSumExp(z, -1), [rows, 1]);
  const teacher = new Float32Array(rows * (K + 1));
  for (let r = 0; r < rows; r++) {
    teacher.set(top.logp.subarray(r * K, (r + 1) * K), r * (K + 1));
    teacher[r * (K + 1) + K] = Math.log(top.tail[r] as number);
  }
  return {
    student: concat([sub(kept, lse), othersLogProb(z, top.ids)], 1) as Tensor2D,
    teacher: tensor2d(teacher, [rows, K + 1]),
  };
}

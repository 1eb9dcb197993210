/** The likeliest tokens of whole distributions, and what is left of the probability. */
import { checkOption } from '@gimbal/tensor-core';
import { logSoftmax, type Tensor2D, tidy, topk } from '@tensorflow/tfjs-core';
import { defaultRowsPerChunk } from '../rows/rows-per-chunk.ts';
import { teacherLogits } from '../rows/teacher-logits.ts';
import type { TopK } from './teacher.ts';

/**
 * @param logits `[rows, V]`
 * @param K 1 to V
 * @throws ConfigError
 */
export function topKOf(logits: Tensor2D, K: number): TopK {
  const [rows, V] = logits.shape;
  checkTopK(K, V);
  return tidy(() => {
    const { values, indices } = topk(logSoftmax(logits), K);
    const logp = values.dataSync<'float32'>().slice();
    const tail = new Float32Array(rows);
    // what K tokens leave, in float64: never below 0
    for (let r = 0; r < rows; r++) {
      let kept = 0;
      for (let k = 0; k < K; k++) kept += Math.exp(logp[r * K + k] as number);
      tail[r] = K === V ? 0 : Math.max(0, 1 - kept);
    }
    return { ids: Int32Array.from(indices.dataSync<'int32'>()), logp, tail };
  });
}

/**
 * The same of rows whose logits are there a chunk at a time.
 * @param hidden states `[rows, D]`
 * @param head `[V, D]`
 * @throws ConfigError
 */
export function topKOfStates(
  hidden: Tensor2D,
  head: Tensor2D,
  K: number,
  rowsPerChunk = defaultRowsPerChunk(head.shape[0]),
): TopK {
  const rows = hidden.shape[0];
  const all: TopK = { ids: new Int32Array(rows * K), logp: new Float32Array(rows * K), tail: new Float32Array(rows) };
  for (let from = 0; from < rows; from += rowsPerChunk) {
    const count = Math.min(rowsPerChunk, rows - from);
    tidy(() => {
      const part = topKOf(teacherLogits({ hidden, head }, from, count), K);
      all.ids.set(part.ids, from * K);
      all.logp.set(part.logp, from * K);
      all.tail.set(part.tail, from);
    });
  }
  return all;
}

/** @throws ConfigError */
export const checkTopK = (K: number, V: number): void =>
  checkOption('topK', K, Number.isSafeInteger(K) && K >= 1 && K <= V, `a whole number from 1 to ${V}`);

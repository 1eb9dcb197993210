/** The likeliest tokens of whole distributions, and what is left of the probability. */
import { checkOption } from '@gimbal/tensor-core';
import { gatherND, logSoftmax, reshape, type Tensor2D, tensor2d, tidy, topk } from '@tensorflow/tfjs-core';
import type { DenseRows } from '../rows/aligned-rows.ts';
import { othersLogProb } from '../rows/coarse.ts';
import { defaultRowsPerChunk } from '../rows/rows-per-chunk.ts';
import { rowCount, teacherLogits, teacherWidth } from '../rows/teacher-logits.ts';
import type { TopK } from './teacher.ts';

/**
 * @param logits `[rows, V]`
 * @param K 1 to V
 * @throws ConfigError
 */
export function topKOf(logits: Tensor2D, K: number): TopK {
  checkTopK(K, logits.shape[1]);
  return tidy(() => {
    const { values, indices } = topk(logSoftmax(logits), K);
    const ids = Int32Array.from(indices.dataSync<'int32'>());
    return { ids, logp: values.dataSync<'float32'>().slice(), tail: tailOf(logits, ids) };
  });
}

/** Σ p of all tokens but these: added up, as 1 less the others' sum would be rounding where those are nearly all. */
function tailOf(logits: Tensor2D, ids: Int32Array): Float32Array {
  const [rows, V] = logits.shape;
  if (ids.length === rows * V) return new Float32Array(rows);
  return othersLogProb(logits, ids).dataSync<'float32'>().map(Math.exp);
}

/**
 * Log-probabilities of given tokens, and the sum of the others, a chunk of rows at a time.
 * @param ids `each` different ones a row `[rows · each]`, below V
 */
export function atTokens(rows: DenseRows, ids: Int32Array, each: number): TopK {
  const logp = new Float32Array(ids.length);
  const tail = new Float32Array(rowCount(rows));
  inChunks(rows, (z, from, count) => {
    const some = ids.subarray(from * each, (from + count) * each);
    const places = new Int32Array(2 * some.length);
    for (const [i, id] of some.entries()) places.set([Math.floor(i / each), id], 2 * i);
    const found = gatherND(logSoftmax(z), tensor2d(places, [some.length, 2], 'int32'));
    logp.set(reshape(found, [-1]).dataSync<'float32'>(), from * each);
    tail.set(tailOf(z, some), from);
  });
  return { ids, logp, tail };
}

/** The K likeliest tokens of each row `[rows · K]`, a chunk of rows at a time. */
export function likeliest(rows: DenseRows, K: number): Int32Array {
  const ids = new Int32Array(rowCount(rows) * K);
  inChunks(rows, (z, from) => ids.set(topk(z, K).indices.dataSync<'int32'>(), from * K));
  return ids;
}

function inChunks(rows: DenseRows, run: (logits: Tensor2D, from: number, count: number) => void): void {
  const total = rowCount(rows);
  const size = defaultRowsPerChunk(teacherWidth(rows) ?? 1);
  for (let from = 0; from < total; from += size)
    tidy(() => {
      const count = Math.min(size, total - from);
      run(teacherLogits(rows, from, count), from, count);
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

/**
 * How far two distributions over different tokens are apart. ULD (Boizard et al. 2024, arXiv 2402.12030): the L1 distance of
 * the sorted probabilities, the shorter row filled up with zeros. Else both are coarsened to parts that mean the same of the
 * text that follows (teachers/shared-cells.ts), the stretch that was written being one of them, and any divergence applies.
 */
import {
  abs,
  concat,
  exp,
  log,
  maximum,
  mul,
  oneHot,
  pad,
  reshape,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  topk,
  transpose,
  unsortedSegmentSum,
} from '@tensorflow/tfjs-core';

/**
 * Σ |sorted p − sorted q| of each row.
 * @param p `[S, V']`
 * @param q `[S, V]`, differentiable
 */
export function sortedDistance(p: Tensor2D, q: Tensor2D): Tensor1D {
  const width = Math.max(p.shape[1], q.shape[1]);
  const sorted = (x: Tensor2D): Tensor =>
    pad(x.shape[1] === 0 ? x : topk(x, x.shape[1], true).values, [
      [0, 0],
      [0, width - x.shape[1]],
    ]);
  return sum(abs(sub(sorted(p), sorted(q))), 1);
}

/** keeps logarithms of what has no probability finite */
const least = 1e-20;

/** What was written at rows of one side. */
export interface WrittenStretches {
  /** log-probability of all of the stretch's tokens `[S]` */
  logProbs: Tensor1D;
  /** its first token `[S]` */
  first: Int32Array;
  /** 1: it is more than one token to either side, and has a part of its own; 0: its token's part is its own `[S]` */
  apart: Float32Array;
}

/**
 * Distributions over tokens as those over `count` parts and the stretch that was written, whose probability is the product
 * of its tokens' and is taken from its first token's part: the others' chances there are what is left.
 * @param z logits `[S, V]`; differentiable, as are the stretches' log-probabilities
 * @param cells part of each token `[V]`
 * @returns log-probabilities `[S, count + 1]`
 */
export function coarseRows(z: Tensor2D, cells: Int32Array, count: number, written: WrittenStretches): Tensor2D {
  const { logProbs, first, apart } = written;
  // columns that are no token go to the first part
  const all = new Int32Array(z.shape[1]);
  all.set(cells.subarray(0, all.length));
  const parts = transpose(unsortedSegmentSum(transpose(softmax(z)), tensor1d(all, 'int32'), count));
  const stretch = reshape(mul(exp(logProbs), tensor1d(apart)), [-1, 1]);
  const places = oneHot(
    tensor1d(
      first.map((id) => cells[id] as number),
      'int32',
    ),
    count,
  );
  return log(maximum(concat([sub(parts, mul(places, stretch)), stretch], 1), least)) as Tensor2D;
}

// Draws one token per row of logits: temperature first, then top-k, then top-p, then min-p, then the inverse of the
// cumulative distribution, in vocabulary order, at a uniform number that the caller brings. Tokens that tie at a threshold all stay.

import {
  add,
  argMax,
  cast,
  cumsum,
  div,
  exp,
  fill,
  gather,
  greater,
  greaterEqual,
  less,
  log,
  max,
  maximum,
  min,
  minimum,
  mul,
  range,
  reshape,
  where as select,
  softmax,
  sub,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  topk,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { checkDtype, checkNumber, checkRank, checkShape } from './internal/check.ts';
import { defineKernel, runKernel } from './internal/kernel.ts';

type SampleAttributes = { temperature: number; topK: number; topP: number; minP: number };

/** x [B,V] below which a row's tokens are not drawn, [B,1]. */
function threshold(x: Tensor2D, a: SampleAttributes): Tensor {
  const nucleus = nucleusThreshold(x, a);
  // the largest x is 0: a token is exp(x) times as probable as the likeliest
  return a.minP > 0 ? maximum(nucleus, Math.log(a.minP)) : nucleus;
}

function nucleusThreshold(x: Tensor2D, { topK, topP }: SampleAttributes): Tensor {
  const [batch, classes] = x.shape;
  const k = topK > 0 ? Math.min(topK, classes) : classes;
  if (k === classes && topP >= 1) return fill([batch, 1], Number.NEGATIVE_INFINITY);
  const { values } = topk(x, k, true);
  if (topP >= 1) return min(values, -1, true);
  // the smallest set of the most probable whose probability reaches topP: those before which it is not yet reached
  const p = softmax(values as Tensor2D);
  const inside = less(sub(cumsum(p, 1), p), topP);
  return min(select(inside, values, fill(values.shape, Number.POSITIVE_INFINITY)), -1, true);
}

const sampleTokensKernel = defineKernel<SampleAttributes>('SampleTokens', (inputs, a) => {
  const { logits, uniform } = inputs as { logits: Tensor2D; uniform: Tensor1D };
  const [batch, classes] = logits.shape;
  if (a.temperature === 0) return [argMax(logits, -1), fill([batch], 0)];
  const x = mul(sub(logits, max(logits, -1, true)), 1 / a.temperature) as Tensor2D;
  const weights = mul(exp(x), cast(greaterEqual(x, threshold(x, a)), 'float32'));
  const cumulative = cumsum(weights, 1);
  // the last partial sum is the total: u < 1 then leaves at least one token above the target
  const total = max(cumulative, -1, true);
  const target = minimum(mul(reshape(uniform, [batch, 1]), total), mul(total, 1 - 2 ** -24));
  const ids = argMax(cast(greater(cumulative, target), 'int32'), -1);
  const picked = gather(reshape(weights, [-1]), add(range(0, batch * classes, classes, 'int32'), ids) as Tensor1D);
  return [ids, log(div(picked, reshape(total, [batch])))];
});

export interface SampleOptions {
  /** Logits are divided by it; 0 takes the largest. Default 1. */
  temperature?: number;
  /** Draw among the k most probable only; 0 for all. Default 0. */
  topK?: number;
  /** Draw among the most probable that together reach this probability. Default 1: all. */
  topP?: number;
  /** Draw only tokens at least this share as probable as the likeliest, in [0, 1]. Default 0: all. */
  minP?: number;
}

/**
 * Draws one token per row. Values are not looked at, which would wait for the backend: of a row that holds NaN or +Infinity,
 * or nothing finite, the id is some token's and means nothing. Whoever needs to know asks `tokenLogProbs` of it: NaN.
 * @param logits [B,V], float32
 * @param uniform [B], float32: numbers in [0, 1)
 * @returns ids [B] int32 and logProbs [B], their log-probabilities in the distribution drawn from; the caller disposes both
 * @throws ShapeError where shapes do not fit, or V = 0; ConfigError for options out of range
 */
export function sampleTokens(
  logits: Tensor,
  uniform: Tensor,
  o: SampleOptions = {},
): { ids: Tensor1D; logProbs: Tensor1D } {
  const where = 'sampleTokens';
  const { temperature = 1, topK = 0, topP = 1, minP = 0 } = o;
  checkDtype(where, 'logits', logits, 'float32');
  checkRank(where, 'logits', logits, [2], '[B,V]');
  if (logits.shape[1] === 0)
    throw new ShapeError({ where, what: 'there is no token to draw', got: logits.shape, wanted: '[B,V] with V ≥ 1' });
  checkDtype(where, 'uniform', uniform, 'float32');
  checkShape(where, 'uniform', uniform, logits.shape.slice(0, 1));
  checkNumber(where, 'temperature', temperature, temperature >= 0, 'a number ≥ 0');
  checkNumber(where, 'topK', topK, Number.isInteger(topK) && topK >= 0, 'a whole number ≥ 0');
  checkNumber(where, 'topP', topP, topP > 0 && topP <= 1, 'a number in (0, 1]');
  checkNumber(where, 'minP', minP, minP >= 0 && minP <= 1, 'a number in [0, 1]');
  const [ids, logProbs] = runKernel(sampleTokensKernel, { logits, uniform }, { temperature, topK, topP, minP });
  return { ids: ids as Tensor1D, logProbs: logProbs as Tensor1D };
}

// The loss of an encoder-decoder.
import { crossEntropy, linear, linearCrossEntropy, type Params } from '@gimbal/tensor-core';
import { reshape, type Scalar, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { Seq2SeqModel } from '../seq2seq/seq2seq.ts';
import { CHUNKED_FROM, type LmLossOptions } from './causal-lm-loss.ts';
import { type EvaluatedLoss, type EvaluateLossOptions, meanLoss } from './evaluate-loss.ts';
import { type Seq2SeqBatch, type Seq2SeqRow, seq2seqBatch } from './seq2seq-rows.ts';

/**
 * Σ −log p(target | source, targets before it) over the targets that are not padding. Divide by `batch.tokens` for the mean.
 * @returns a scalar, differentiable in `params`; the caller disposes it
 */
export function seq2seqLoss(
  model: Seq2SeqModel,
  params: Params,
  { sources, targets, tokens }: Seq2SeqBatch,
  { frozenHead = false, ...o }: LmLossOptions = {},
): Scalar {
  return tidy(() => {
    const size = targets.lengths.length * targets.width;
    const states = reshape(model.states(params, sources, targets, o), [size, model.config.width]);
    const ids = tensor1d(targets.ids, 'int32');
    const options = { ...(tokens < size && { weights: tensor1d(weightsOf(targets)) }), reduction: 'sum' } as const;
    const head = model.head(params);
    if (head.shape[0] >= CHUNKED_FROM) {
      return linearCrossEntropy<Scalar>(states, head, ids, { ...options, frozenHead });
    }
    return crossEntropy<Scalar>(linear(states, head, { weightLayout: 'out-in' }), ids, options);
  });
}

function weightsOf({ lengths, width }: Seq2SeqBatch['targets']): Float32Array {
  const weights = new Float32Array(lengths.length * width);
  lengths.forEach((length, b) => {
    weights.fill(1, b * width, b * width + length);
  });
  return weights;
}

/**
 * The loss on rows that were not trained on; every token counts alike, whatever batch it is in.
 * @throws StoppedError when the signal asks for it
 */
export const evaluateSeq2Seq = (
  model: Seq2SeqModel,
  params: Params,
  rows: readonly Seq2SeqRow[],
  o: EvaluateLossOptions = {},
): Promise<EvaluatedLoss> =>
  meanLoss(rows, o, {
    lengthOf: ({ source }) => source.length,
    batchOf: (some) => seq2seqBatch(some, model.config.padId),
    lossOf: (batch) => seq2seqLoss(model, params, batch),
  });

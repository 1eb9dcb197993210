// The loss of an encoder-decoder.
import { crossEntropy, linear, linearCrossEntropy, type Params, StoppedError } from '@gimbal/tensor-core';
import { reshape, type Scalar, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { ForwardOptions } from '../decoder/decoder.ts';
import type { Seq2SeqModel } from '../seq2seq/seq2seq.ts';
import { CHUNKED_FROM } from './causal-lm-loss.ts';
import type { EvaluatedLoss, EvaluateLossOptions } from './evaluate-loss.ts';
import { type Seq2SeqBatch, type Seq2SeqRow, seq2seqBatch } from './seq2seq-rows.ts';

/**
 * Σ −log p(target | source, targets before it) over the targets that are not padding. Divide by `batch.tokens` for the mean.
 * @returns a scalar, differentiable in `params`; the caller disposes it
 */
export function seq2seqLoss(
  model: Seq2SeqModel,
  params: Params,
  { sources, targets, tokens }: Seq2SeqBatch,
  o: ForwardOptions = {},
): Scalar {
  return tidy(() => {
    const size = targets.lengths.length * targets.width;
    const states = reshape(model.states(params, sources, targets, o), [size, model.config.width]);
    const ids = tensor1d(targets.ids, 'int32');
    const options = { ...(tokens < size && { weights: tensor1d(weightsOf(targets)) }), reduction: 'sum' } as const;
    const head = model.head(params);
    if (head.shape[0] >= CHUNKED_FROM) return linearCrossEntropy<Scalar>(states, head, ids, options);
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
export async function evaluateSeq2Seq(
  model: Seq2SeqModel,
  params: Params,
  rows: readonly Seq2SeqRow[],
  { batchSize = 16, signal, onBatch }: EvaluateLossOptions = {},
): Promise<EvaluatedLoss> {
  const order = rows.toSorted((a, b) => a.source.length - b.source.length);
  let [sum, tokens] = [0, 0];
  for (let at = 0; at < order.length; at += batchSize) {
    if (signal?.aborted) throw new StoppedError({ where: 'evaluation', what: `stopped after ${at} rows` });
    const batch = seq2seqBatch(order.slice(at, at + batchSize), model.config.padId);
    const loss = seq2seqLoss(model, params, batch);
    sum += (await loss.data())[0] as number;
    loss.dispose();
    tokens += batch.tokens;
    onBatch?.(Math.min(at + batchSize, order.length), order.length);
  }
  const loss = sum / tokens;
  return { loss, perplexity: Math.exp(loss), tokens };
}

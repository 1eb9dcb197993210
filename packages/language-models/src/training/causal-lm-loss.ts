// The loss of next-token prediction.
import { crossEntropy, linear, linearCrossEntropy, type Params } from '@gimbal/tensor-core';
import { reshape, type Scalar, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import type { LmBatch } from '../data/lm-batch.ts';
import type { ForwardOptions, LanguageModel } from '../decoder/decoder.ts';

/** From this vocabulary on, logits of a whole batch are larger than all else in a step: they are never held at once. */
const CHUNKED_FROM = 16384;

/**
 * Σ −log p(target) over the targets that count: L = −Σ_t w_t log p(x_{t+1} | x_{≤t}). Divide by `batch.tokens` for the mean.
 * @returns a scalar, differentiable in `params`; the caller disposes it
 */
export function causalLmLoss(model: LanguageModel, params: Params, batch: LmBatch, o: ForwardOptions = {}): Scalar {
  const { rows, width } = batch;
  const states = model.states(params, tensor2d(batch.inputs, [rows, width], 'int32'), o); // [B,T,D]
  const head = model.head(params); // [V,D]
  const targets = tensor2d(batch.targets, [rows, width], 'int32');
  const weights = batch.weights && tensor2d(batch.weights, [rows, width]);
  if (head.shape[0] < CHUNKED_FROM) {
    const logits = linear(states, head, { weightLayout: 'out-in' }); // [B,T,V]
    return crossEntropy<Scalar>(logits, targets, { weights, reduction: 'sum' });
  }
  const n = rows * width;
  const flat = reshape(states, [n, model.config.width]) as Tensor2D;
  return linearCrossEntropy<Scalar>(flat, head, reshape(targets, [n]), {
    weights: weights && reshape(weights, [n]),
    reduction: 'sum',
  });
}

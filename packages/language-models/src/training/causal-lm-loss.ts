// The loss of next-token prediction.
import { checkpoint, crossEntropy, embedding, linear, linearCrossEntropy, type Params } from '@gimbal/tensor-core';
import { add, mul, reshape, type Scalar, slice, type Tensor, tanh, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import type { LmBatch } from '../data/lm-batch.ts';
import type { ForwardOptions, LanguageModel } from '../decoder/decoder.ts';

/** From this vocabulary on, logits of a whole batch are larger than all else in a step: they are never held at once. */
export const CHUNKED_FROM = 16384;

/** Where fewer targets than this share count, the others' states are left out before the output matrix. */
const SPARSE_BELOW = 0.75;

/** How a loss is computed. */
export interface LmLossOptions extends ForwardOptions {
  /** The output matrix is not trained, as beside an adapter: no gradient of its size is computed (false). */
  frozenHead?: boolean;
}

/**
 * Σ −log p(target) over the targets that count: L = −Σ_t w_t log p(x_{t+1} | x_{≤t}). Divide by `batch.tokens` for the mean.
 * @returns a scalar, differentiable in `params`; the caller disposes it
 */
export function causalLmLoss(model: LanguageModel, params: Params, batch: LmBatch, o: LmLossOptions = {}): Scalar {
  const { rows, width, segments } = batch;
  const size = rows * width;
  const { frozenHead = false, ...given } = o;
  const forward = segments === undefined ? given : { ...given, segments };
  const states = model.states(params, tensor2d(batch.inputs, [rows, width], 'int32'), forward); // [B,T,D]
  const flat = reshape(states, [size, model.config.width]); // [N,D]
  const { weights } = batch;
  if (weights === undefined || batch.tokens >= SPARSE_BELOW * size) {
    return headLoss(model, params, flat, batch.targets, weights, frozenHead);
  }
  // a prompt's tokens only serve to be seen: logits are made where something is learned
  const index = Int32Array.from(positionsThatCount(weights));
  const picked = embedding(tensor1d(index, 'int32'), flat); // [n,D]
  const pick = <A extends Int32Array | Float32Array>(from: A, to: A): A => {
    index.forEach((at, i) => {
      to[i] = from[at] as number;
    });
    return to;
  };
  const targets = pick(batch.targets, new Int32Array(index.length));
  return headLoss(model, params, picked, targets, pick(weights, new Float32Array(index.length)), frozenHead);
}

/** Cross-entropy of states [N,D] through the output matrix, summed. */
function headLoss(
  model: LanguageModel,
  params: Params,
  states: Tensor,
  targets: Int32Array,
  weights: Float32Array | undefined,
  frozenHead: boolean,
): Scalar {
  const head = model.head(params); // [V,D]
  const ids = tensor1d(targets, 'int32');
  const options = { weights: weights && tensor1d(weights), reduction: 'sum' } as const;
  const { finalSoftcap: cap } = model.config;
  if (cap !== undefined) return cappedLoss(states, head, targets, weights, cap);
  if (head.shape[0] >= CHUNKED_FROM) return linearCrossEntropy<Scalar>(states, head, ids, { ...options, frozenHead });
  return crossEntropy<Scalar>(linear(states, head, { weightLayout: 'out-in' }), ids, options); // logits [N,V]
}

/** The same for capped logits, in rows whose logits are made again in the backward pass. */
function cappedLoss(
  states: Tensor,
  head: Tensor,
  targets: Int32Array,
  weights: Float32Array | undefined,
  cap: number,
): Scalar {
  const count = targets.length;
  const rows = Math.max(1, Math.floor(2 ** 24 / (head.shape[0] as number)));
  const parts: Scalar[] = [];
  for (let at = 0; at < count; at += rows) {
    const size = Math.min(rows, count - at);
    const loss = checkpoint((p: { head: Tensor }, x: Tensor) => {
      // made in here: the backward pass runs this again after the forward pass has freed its own
      const some = weights && { weights: tensor1d(weights.subarray(at, at + size)) };
      const ids = tensor1d(targets.subarray(at, at + size), 'int32');
      const z = linear(x, p.head, { weightLayout: 'out-in' });
      return crossEntropy<Scalar>(mul(tanh(mul(z, 1 / cap)), cap), ids, { ...some, reduction: 'sum' });
    });
    parts.push(loss({ head }, slice(states, [at, 0], [size, -1])));
  }
  return parts.reduce((sum, part) => add(sum, part));
}

function* positionsThatCount(weights: Float32Array): Generator<number> {
  for (let i = 0; i < weights.length; i++) if (weights[i] !== 0) yield i;
}

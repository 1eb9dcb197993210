// The loss of a model on rows it did not train on.
import { eventTurn, type Params, StoppedError } from '@gimbal/tensor-core';
import { type Scalar, tidy } from '@tensorflow/tfjs-core';
import { batchRows } from '../data/lm-batch.ts';
import type { TokenRow } from '../data/token-rows.ts';
import type { LanguageModel } from '../decoder/decoder.ts';
import { causalLmLoss } from './causal-lm-loss.ts';

/** How an evaluation runs. */
export interface EvaluateLossOptions {
  /** Rows at a time (16). */
  batchSize?: number;
  /** Stops it between two batches, with a StoppedError. */
  signal?: AbortSignal;
  /** Told after each batch: rows done, rows in all. */
  onBatch?(done: number, total: number): void;
}

/** What an evaluation measured. */
export interface EvaluatedLoss {
  /** Mean −log p over all tokens that count, in nats. */
  loss: number;
  /** e to the loss: among how many tokens the model is undecided, so to speak. */
  perplexity: number;
  /** Tokens that count. */
  tokens: number;
}

/**
 * Evaluates; every token of every row counts alike, whatever batch it is in.
 * @throws StoppedError when the signal asks for it
 */
export const evaluateLoss = (
  model: LanguageModel,
  params: Params,
  rows: readonly TokenRow[],
  o: EvaluateLossOptions = {},
): Promise<EvaluatedLoss> => {
  const { padId, contextLength } = model.config;
  return meanLoss(rows, o, {
    lengthOf: ({ ids }) => ids.length,
    batchOf: (some) => batchRows(some, padId, contextLength),
    lossOf: (batch) => causalLmLoss(model, params, batch),
  });
};

/**
 * The mean of a loss over all tokens of rows.
 * @param o.lossOf Σ over the batch's tokens
 * @throws StoppedError when the signal asks for it
 */
export async function meanLoss<R, B extends { readonly tokens: number }>(
  rows: readonly R[],
  { batchSize = 16, signal, onBatch }: EvaluateLossOptions,
  o: { lengthOf: (row: R) => number; batchOf: (rows: readonly R[]) => B; lossOf: (batch: B) => Scalar },
): Promise<EvaluatedLoss> {
  // neighbours of similar length waste little padding
  const order = rows.toSorted((a, b) => o.lengthOf(a) - o.lengthOf(b));
  let [sum, tokens] = [0, 0];
  for (let at = 0; at < order.length; at += batchSize) {
    await eventTurn();
    if (signal?.aborted) throw new StoppedError({ where: 'evaluation', what: `stopped after ${at} rows` });
    const batch = o.batchOf(order.slice(at, at + batchSize));
    const loss = tidy(() => o.lossOf(batch));
    sum += (await loss.data())[0] as number;
    loss.dispose();
    tokens += batch.tokens;
    onBatch?.(Math.min(at + batchSize, order.length), order.length);
  }
  const loss = sum / tokens;
  return { loss, perplexity: Math.exp(loss), tokens };
}

// The loss of a model on rows, per token, with the interval it is known to.
import type { LanguageModel, TokenRow } from '@gimbal/language-models';
import type { Params } from '@gimbal/tensor-core';
import { type Estimate, ratio } from './intervals.ts';

export interface LossOptions {
  batchSize: number;
  /** the token a plain text is predicted from */
  start: number;
  /** fills up rows */
  pad: number;
  signal: AbortSignal;
  onBatch?(done: number, total: number): void;
}

/** −log p per learned token, in nats: the mean over all tokens of all rows. */
export async function heldOutLoss(
  model: LanguageModel,
  params: Params,
  rows: readonly TokenRow[],
  o: LossOptions,
): Promise<Estimate> {
  const { padBatch } = await import('@gimbal/language-models');
  const { eventTurn, StoppedError } = await import('@gimbal/tensor-core');
  // neighbours of similar length waste little padding
  const order = rows.map((_, i) => i).sort((a, b) => lengthAt(rows, a) - lengthAt(rows, b));
  const sums: number[] = new Array<number>(rows.length).fill(0);
  for (let at = 0; at < order.length; at += o.batchSize) {
    await eventTurn();
    if (o.signal.aborted) throw new StoppedError({ where: 'evaluation', what: `stopped after ${at} rows` });
    const batch = order.slice(at, at + o.batchSize);
    const chosen = batch.map((i) => rows[i] as TokenRow);
    const prompts = chosen.map(({ ids, from }) => (from === 0 ? Int32Array.of(o.start) : ids.subarray(0, from)));
    const completions = chosen.map(({ ids, from }) => ids.subarray(from));
    const logProbs = model.logProbs(params, padBatch(prompts, o.pad), padBatch(completions, o.pad));
    const width = logProbs.shape[1];
    const values = await logProbs.data(); // [B, T], 0 on padding
    logProbs.dispose();
    batch.forEach((row, b) => {
      for (let t = 0; t < width; t++) sums[row] = (sums[row] as number) - (values[b * width + t] as number);
    });
    o.onBatch?.(Math.min(at + o.batchSize, order.length), order.length);
  }
  return ratio(
    sums,
    rows.map(({ ids, from }) => ids.length - from),
  );
}

const lengthAt = (rows: readonly TokenRow[], i: number): number => (rows[i] as TokenRow).ids.length;

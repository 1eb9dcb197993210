// Pairs as batches: the first rows of all pairs, then the second ones, in one pass through the model.
import { type EncoderBatch, padRows } from '@gimbal/language-models';
import { type BatchSource, EpochSampler, mapBatches, type Rng } from '@gimbal/tensor-core';
import type { PreferencePair } from '../data/preference-pairs.ts';

/** A batch of pairs. */
export interface PairBatch {
  /** [2B], right-padded: first rows, then second ones */
  readonly rows: EncoderBatch;
  /** [B] */
  readonly targets: Float32Array;
  /** [B] */
  readonly margins: Float32Array;
  /** [B] */
  readonly weights: Float32Array;
}

/** Pairs in one batch. */
export function batchPairs(pairs: readonly PreferencePair[], padId: number): PairBatch {
  return {
    rows: padRows([...pairs.map((p) => p.first), ...pairs.map((p) => p.second)], padId),
    targets: Float32Array.from(pairs, (p) => p.target),
    margins: Float32Array.from(pairs, (p) => p.margin),
    weights: Float32Array.from(pairs, (p) => p.weight),
  };
}

/** An endless source: each epoch in an order of its own, each pair once an epoch. */
export function pairBatches(
  pairs: readonly PreferencePair[],
  { batchSize, padId, rng }: { batchSize: number; padId: number; rng: Rng },
): BatchSource<PairBatch> {
  const sampler = new EpochSampler(pairs.length, { batchSize: Math.min(batchSize, pairs.length), rng });
  return mapBatches(sampler, (indices) =>
    batchPairs(
      Array.from(indices, (i) => pairs[i] as PreferencePair),
      padId,
    ),
  );
}

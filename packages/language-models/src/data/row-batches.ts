// Batches of token rows in an endless order: each epoch in an order of its own, each row once an epoch, and a state that
// a resumed run goes on from (tensor-core's EpochSampler).
import { type BatchSource, DataError, EpochSampler, mapBatches, type Rng } from '@gimbal/tensor-core';
import { batchRows, type LmBatch } from './lm-batch.ts';
import { joinedBatch } from './padding-free.ts';
import type { TokenRow } from './token-rows.ts';

/** How rows become batches. */
export interface RowBatchesOptions {
  /** Rows in a batch; fewer where there are not so many. */
  batchSize: number;
  /** Fills up short rows. */
  pad: number;
  /** Widest batch. */
  limit: number;
  /** The stream of the data order; it is split by epoch, never advanced. */
  rng: Rng;
}

/**
 * A source of batches made from `batchSize` items each, or from all of them where there are not so many.
 * @throws DataError if there are no items
 */
export function epochBatches<T, B>(
  items: readonly T[],
  { batchSize, rng }: Pick<RowBatchesOptions, 'batchSize' | 'rng'>,
  batchOf: (items: T[]) => B,
): BatchSource<B> {
  if (items.length === 0) throw new DataError({ where: 'batches', what: 'there are no rows', wanted: 'at least one' });
  const sampler = new EpochSampler(items.length, { batchSize: Math.min(batchSize, items.length), rng });
  return mapBatches(sampler, (indices) => batchOf(Array.from(indices, (i) => items[i] as T)));
}

/**
 * A source of padded batches.
 * @throws DataError if there are no rows
 */
export const rowBatches = (rows: readonly TokenRow[], { pad, limit, ...o }: RowBatchesOptions): BatchSource<LmBatch> =>
  epochBatches(rows, o, (some) => batchRows(some, pad, limit));

/**
 * A source of batches without padding: each is the rows of `batchSize` blocks, one after the other.
 * @param blocks one row each, or several that fill a block
 * @throws DataError if there are no rows
 */
export const joinedBatches = (
  blocks: readonly (readonly TokenRow[])[],
  { pad, ...o }: Omit<RowBatchesOptions, 'limit'>,
): BatchSource<LmBatch> => epochBatches(blocks, o, (some) => joinedBatch(some.flat(), pad));

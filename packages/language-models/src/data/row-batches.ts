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
 * A source of batches.
 * @throws DataError if there are no rows
 */
export function rowBatches(
  rows: readonly TokenRow[],
  { batchSize, pad, limit, rng }: RowBatchesOptions,
): BatchSource<LmBatch> {
  if (rows.length === 0) throw new DataError({ where: 'batches', what: 'there are no rows', wanted: 'at least one' });
  const sampler = new EpochSampler(rows.length, { batchSize: Math.min(batchSize, rows.length), rng });
  return mapBatches(sampler, (indices) =>
    batchRows(
      Array.from(indices, (i) => rows[i] as TokenRow),
      pad,
      limit,
    ),
  );
}

/**
 * A source of batches without padding: each is the rows of `batchSize` blocks, one after the other.
 * @param blocks one row each, or several that fill a block
 * @throws DataError if there are no rows
 */
export function joinedBatches(
  blocks: readonly (readonly TokenRow[])[],
  { batchSize, pad, rng }: Omit<RowBatchesOptions, 'limit'>,
): BatchSource<LmBatch> {
  if (blocks.length === 0) throw new DataError({ where: 'batches', what: 'there are no rows', wanted: 'at least one' });
  const sampler = new EpochSampler(blocks.length, { batchSize: Math.min(batchSize, blocks.length), rng });
  return mapBatches(sampler, (indices) =>
    joinedBatch(Array.from(indices, (i) => blocks[i] as readonly TokenRow[]).flat(), pad),
  );
}

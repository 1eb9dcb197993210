// An endless source of batches: each epoch in an order of its own, each row once an epoch. Batches go across the end of
// an epoch, so that all of them have the same number of rows. Where it stands is one number, so a run can go on.
import { type BatchSource, DataError, type Rng } from '@gimbal/tensor-core';
import { batchRows, type LmBatch } from './lm-batch.ts';
import type { TokenRow } from './token-rows.ts';

export interface RowBatchesOptions {
  /** Rows in a batch; fewer where there are not so many. */
  batchSize: number;
  /** Fills up short rows. */
  pad: number;
  /** Widest batch. */
  limit: number;
  /** Decides the orders: epoch e uses `rng.split(e)`. */
  rng: Rng;
}

export class RowBatches implements BatchSource<LmBatch> {
  readonly #rows: readonly TokenRow[];
  readonly #options: RowBatchesOptions;
  /** Rows in every batch. */
  readonly batchSize: number;
  #position = 0;
  #epoch = -1;
  #order: readonly number[] = [];

  constructor(rows: readonly TokenRow[], options: RowBatchesOptions) {
    if (rows.length === 0) throw new DataError({ where: 'batches', what: 'there are no rows', wanted: 'at least one' });
    this.#rows = rows;
    this.#options = options;
    this.batchSize = Math.min(options.batchSize, rows.length);
  }

  /** Epochs done, as a fraction. */
  get epochs(): number {
    return this.#position / this.#rows.length;
  }

  next(): LmBatch {
    const chosen = Array.from({ length: this.batchSize }, () => this.#take());
    return batchRows(chosen, this.#options.pad, this.#options.limit);
  }

  state(): { position: number } {
    return { position: this.#position };
  }

  /** @throws DataError for anything that `state` did not give */
  restore(state: unknown): void {
    const position = (state as { position?: unknown } | null)?.position;
    if (!Number.isSafeInteger(position) || (position as number) < 0) {
      throw new DataError({ where: 'batches', what: 'no state of a batch source', got: state, wanted: '{ position }' });
    }
    this.#position = position as number;
  }

  #take(): TokenRow {
    const n = this.#rows.length;
    const epoch = Math.floor(this.#position / n);
    if (epoch !== this.#epoch) {
      this.#order = this.#options.rng.split(epoch).shuffle(Array.from({ length: n }, (_, i) => i));
      this.#epoch = epoch;
    }
    return this.#rows[this.#order[this.#position++ % n] as number] as TokenRow;
  }
}

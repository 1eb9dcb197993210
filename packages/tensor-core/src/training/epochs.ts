/**
 * The order of rows: each epoch visits every row once, in an order that follows from the seed and the epoch's number
 * alone. So the state is two numbers, and a resumed run goes on with the very next row.
 */
import { ConfigError, DataError } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';
import type { Rng } from '../random/rng.ts';
import type { BatchSource } from './batch-source.ts';

/** The numbers 0 … n − 1 in random order. */
export function shuffledIndices(n: number, rng: Rng): Int32Array {
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  shuffleInPlace(order, rng);
  return order;
}

/** Puts the entries into random order, each equally likely (Fisher–Yates). */
export function shuffleInPlace(xs: Int32Array, rng: Rng): void {
  for (let i = xs.length - 1; i > 0; i--) {
    const j = rng.int(i + 1);
    const held = xs[i] as number;
    xs[i] = xs[j] as number;
    xs[j] = held;
  }
}

/** How rows are drawn into batches. */
export interface EpochOptions {
  /** rows in a batch, ≥ 1 */
  batchSize: number;
  /** the stream of the data order, `rng(seed).split('data')`: it is split by epoch, never advanced */
  rng: Rng;
  /** default true; false = rows in their own order */
  shuffle?: boolean;
  /** what happens to rows that do not fill a batch at the end of an epoch: kept for the next epoch's first batch
   * ('carry', default: every batch is full and every row is seen once per epoch), given as a smaller batch ('short'),
   * or left out ('drop') */
  rest?: 'carry' | 'short' | 'drop';
}

/** Where a sampler stands. */
export interface EpochState {
  /** counts from 0 */
  epoch: number;
  /** rows of this epoch that were given out */
  position: number;
  /** rows in all; another number means other data */
  rows: number;
}

/** Batches of row numbers, epoch after epoch. */
export class EpochSampler implements BatchSource<Int32Array> {
  #epoch = 0;
  #position = 0;
  #order: Int32Array | undefined;

  /**
   * @param rows how many rows there are
   * @throws ConfigError for no rows, a bad batch size, or fewer rows than a batch where the rest is dropped
   */
  constructor(
    readonly rows: number,
    readonly options: EpochOptions,
  ) {
    requireOptions('EpochSampler', options);
    const { batchSize, rest = 'carry' } = options;
    if (!Number.isInteger(rows) || rows < 1)
      throw new ConfigError({ where: 'EpochSampler', what: 'there are no rows', got: rows });
    if (!Number.isInteger(batchSize) || batchSize < 1) {
      throw new ConfigError({ where: 'batchSize', what: 'out of range', got: batchSize, wanted: 'a whole number ≥ 1' });
    }
    if (rest === 'drop' && rows < batchSize) {
      throw new ConfigError({
        where: 'batchSize',
        what: 'no epoch fills a batch, and the rest is dropped',
        got: batchSize,
        wanted: `at most ${rows}`,
      });
    }
  }

  /** The epoch of the next row, counted from 0. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The next rows' numbers. */
  next(): Int32Array {
    const { batchSize, rest = 'carry' } = this.options;
    if (this.#position === this.rows || (rest === 'drop' && this.#position + batchSize > this.rows)) this.#advance();
    const first = this.#take(batchSize);
    if (rest !== 'carry' || first.length === batchSize) return first;
    const batch = new Int32Array(batchSize);
    batch.set(first);
    for (let filled = first.length; filled < batchSize; ) {
      this.#advance();
      const more = this.#take(batchSize - filled);
      batch.set(more, filled);
      filled += more.length;
    }
    return batch;
  }

  state(): EpochState {
    return { epoch: this.#epoch, position: this.#position, rows: this.rows };
  }

  /** @throws DataError for the state of another number of rows */
  restore(state: unknown): void {
    const { epoch, position, rows } = (state ?? {}) as Partial<EpochState>;
    if (rows !== this.rows || epoch === undefined || position === undefined || position > this.rows) {
      throw new DataError({
        where: 'EpochSampler.restore',
        what: 'the state belongs to other data',
        // as of a checkpoint of other options: got is what is there now, wanted what was saved
        ...(rows === undefined || rows === this.rows
          ? { got: state, wanted: `a state of ${this.rows} rows` }
          : { got: `${this.rows} rows`, wanted: `${rows} rows` }),
        fix: 'Resume with the data of the run',
      });
    }
    this.#epoch = epoch;
    this.#position = position;
    this.#order = undefined;
  }

  #advance(): void {
    this.#epoch++;
    this.#position = 0;
    this.#order = undefined;
  }

  /** At most `count` rows of this epoch. */
  #take(count: number): Int32Array {
    const { rng, shuffle = true } = this.options;
    this.#order ??= shuffle
      ? shuffledIndices(this.rows, rng.split(this.#epoch))
      : Int32Array.from({ length: this.rows }, (_, i) => i);
    const rows = this.#order.slice(this.#position, this.#position + count);
    this.#position += rows.length;
    return rows;
  }
}

// Batches of round trips that were kept: what another program may have written, or spoilt, is looked at before it is used.
import { refusal } from '../internal/refuse.ts';
import type { RoundTrip } from './round-trip.ts';

/** A batch of sentences as it is kept: what was made of them, and what was counted. */
export interface BuiltBatch {
  /** Counts from 0. */
  readonly batch: number;
  /** Of its sentences: those of another build have another. */
  readonly of: string;
  /** What was kept. */
  readonly rows: readonly RoundTrip[];
  /** By pivot. */
  readonly counts: Readonly<Record<string, PivotCounts>>;
}

/** What was counted of a pivot. */
export interface PivotCounts {
  /** Round trips made. */
  readonly made: number;
  /** Of them kept. */
  readonly kept: number;
  /** Of those kept, the sentence itself. */
  readonly identical: number;
  /** Σ of word edits from sentence to round trip, of those kept. */
  readonly edits: number;
  /** Left out as nothing came back. */
  readonly empty: number;
  /** Left out as longer than `maxWords`. */
  readonly long: number;
  /** Left out as less similar than `minSimilarity`. */
  readonly different: number;
  /** Left out as the sentence itself. */
  readonly same: number;
}

/** What is counted, of nothing. */
export const noCounts: PivotCounts = {
  made: 0,
  kept: 0,
  identical: 0,
  edits: 0,
  empty: 0,
  long: 0,
  different: 0,
  same: 0,
};

const texts = ['id', 'source', 'pivot', 'pivotText', 'rtt'] as const satisfies (keyof RoundTrip)[];

const isObject = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);

const isRow = (row: unknown): boolean =>
  isObject(row) &&
  texts.every((name) => typeof row[name] === 'string') &&
  typeof row.identical === 'boolean' &&
  Number.isFinite(row.similarity);

/** @throws DataError (`ROUND_TRIP`) for what is no batch, or has a row that is no round trip */
export function checkBatch(where: string, batch: unknown): asserts batch is BuiltBatch {
  const wanted = 'a file that roundTripFile wrote';
  if (
    !isObject(batch) ||
    !Number.isSafeInteger(batch.batch) ||
    typeof batch.of !== 'string' ||
    !Array.isArray(batch.rows) ||
    !isObject(batch.counts)
  )
    throw refusal('ROUND_TRIP', { where, what: 'the line is no batch of round trips', wanted });
  const row = Array.from(batch.rows as unknown[], isRow).indexOf(false);
  if (row >= 0) throw refusal('ROUND_TRIP', { where, what: `its row ${row} is no round trip`, wanted });
  const odd = Object.entries(batch.counts).find(
    ([, of]) => !isObject(of) || Object.keys(noCounts).some((name) => !Number.isFinite(of[name])),
  );
  if (odd) throw refusal('ROUND_TRIP', { where, what: `of pivot ${odd[0]} it does not say what was counted`, wanted });
}

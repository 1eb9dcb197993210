// Which rows `gimbal sft` trains on and which it holds out. Lengths are judged first, so that what is held out is drawn from
// rows that can be used: a long row among few would otherwise leave nothing to evaluate on.
import type { Dataset, RowKind } from '@gimbal/language-models';
import { ConfigError, DataError, type Overflow, type Rng } from '@gimbal/tensor-core';
import { checkHeldOut, heldOutOf } from '../options/held-out.ts';

/** What a row is to the model. */
export interface RowLength {
  /** Tokens of the row; of a pair of an encoder-decoder, of the longer of its two texts. */
  readonly tokens: number;
  /** Whether something is left to learn from under the overflow policy. */
  readonly isUsable: boolean;
}

/** How long rows may be, and what says so. */
export interface RowLimit {
  /** Longest row in tokens. */
  readonly tokens: number;
  /** Most tokens that the model reads. */
  readonly context: number;
  /** `--max-length`, where it was given. */
  readonly given: number | undefined;
  readonly overflow: Overflow;
}

/** @throws ConfigError for a --max-length that the model does not read */
export function checkMaxLength(given: number | undefined, context: number): void {
  if (given === undefined || given <= context) return;
  throw new ConfigError({
    where: 'gimbal sft --max-length',
    what: 'the model reads fewer tokens',
    got: given,
    wanted: `at most its context, ${context}`,
  });
}

/**
 * Splits at random as `splitDataset`. Rows that are too long to be used are among those to train on, where the trainer counts
 * them.
 * @param lengths of each row
 * @param heldOut as `--held-out`
 * @returns how many of the rows to train on nothing is learnt from
 * @throws DataError naming the first long row with overflow `error`, or where fewer than two rows can be used; ConfigError and
 * DataError as `heldOutOf` and `splitDataset`
 */
export async function splitRowsByLength<K extends RowKind>(
  data: Dataset<K>,
  lengths: readonly RowLength[],
  limit: RowLimit,
  heldOut: number | undefined,
  rng: Rng,
): Promise<{ train: Dataset<K>; heldOut: Dataset<K>; unusable: number }> {
  const { splitDataset } = await import('@gimbal/language-models');
  const indices = lengths.map((_, i) => i);
  const usable = indices.filter((i) => lengths[i]?.isUsable);
  const long = indices.filter((i) => !lengths[i]?.isUsable);
  refuseLong(data, lengths, usable.length, limit);
  // a share or number that leaves none of the whole file is told as such before
  checkHeldOut('sft', heldOut, usable.length);
  const parts = splitDataset(rowsAt(data, usable), heldOutOf('sft', heldOut, usable.length), rng);
  return { train: joined(parts.train, rowsAt(data, long)), heldOut: parts.heldOut, unusable: long.length };
}

function refuseLong(data: Dataset, lengths: readonly RowLength[], usable: number, limit: RowLimit): void {
  const wanted = `at most ${limit.tokens} tokens (${nameOf(limit)})`;
  const first = lengths.findIndex(({ tokens }) => tokens > limit.tokens);
  if (first < 0) return;
  if (limit.overflow === 'error') {
    throw new DataError({
      where: data.where(first),
      what: 'the row is too long, which --overflow error refuses',
      got: `${lengths[first]?.tokens} tokens`,
      wanted,
      fix: `${raise(limit)}, or leave such rows out with --overflow drop`,
    });
  }
  const n = lengths.length;
  if (usable > 1 || usable === n) return;
  const isCut = limit.overflow === 'cut';
  const all = n === 1 ? 'the only row is' : `all ${n} rows are`;
  throw new DataError({
    where: data.where(first),
    what: `${usable === 0 ? all : `all but one of ${n} rows are`} too long${isCut ? ' by the prompt alone' : ''}, and one is needed to train on and one to hold out`,
    got: `${lengths.filter(({ isUsable }) => !isUsable).reduce((least, { tokens }) => Math.min(least, tokens), Number.POSITIVE_INFINITY)} tokens in the shortest of them`,
    wanted,
    fix: `${raise(limit)}, ${isCut ? 'or shorten the prompts' : 'or keep their beginning with --overflow cut'}`,
  });
}

/** What sets the limit. */
const nameOf = ({ given, tokens, context }: RowLimit): string => {
  if (given !== undefined) return '--max-length';
  return tokens === context ? "the model's context" : 'where --max-length is not given';
};

const raise = ({ tokens, context }: RowLimit): string =>
  tokens < context
    ? `Raise --max-length (the model reads ${context} tokens)`
    : 'Shorten the rows, or use a model of a longer context';

const rowsAt = <K extends RowKind>(data: Dataset<K>, indices: readonly number[]): Dataset<K> => ({
  kind: data.kind,
  rows: indices.map((i) => data.rows[i] as Dataset<K>['rows'][number]),
  where: (i) => data.where(indices[i] ?? i),
});

const joined = <K extends RowKind>(a: Dataset<K>, b: Dataset<K>): Dataset<K> => ({
  kind: a.kind,
  rows: [...a.rows, ...b.rows],
  where: (i) => (i < a.rows.length ? a.where(i) : b.where(i - a.rows.length)),
});

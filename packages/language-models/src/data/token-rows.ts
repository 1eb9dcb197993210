// Rows as tokens, within the context: what is too long is left out, cut, split or refused, and always counted.
import { DataError, type Overflow } from '@gimbal/tensor-core';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type Dataset, isKind } from './rows.ts';

/** One row: its tokens, of which those from `from` on are learned. */
export interface TokenRow {
  /** [length] int32, the end token included. */
  readonly ids: Int32Array;
  /** First token that the loss counts; 0 for plain text. */
  readonly from: number;
}

/** What became of rows longer than the limit. */
export interface OverflowReport {
  /** Rows that were too long. */
  readonly rows: number;
  /** Tokens of theirs that are not trained on. */
  readonly tokens: number;
  /** Places of the first ten. */
  readonly where: readonly string[];
}

/** Rows as tokens, and what was too long. */
export interface TokenRows {
  /** Rows that fit, in the order of the data. */
  readonly rows: readonly TokenRow[];
  /** What became of the others. */
  readonly overflow: OverflowReport;
}

/** How rows are brought within a length. */
export interface FitOptions {
  /** Longest row in tokens. */
  limit: number;
  /** What becomes of a longer row (`drop`). */
  overflow?: Overflow;
  /** Which end of a row `cut` keeps (`start`). */
  keep?: 'start' | 'end';
}

/**
 * The tokens of each row: a text, or a prompt with the tokenizer's suffix and a completion, ended by the end-of-text
 * token. Prompt and completion are encoded apart, so a prompt has the same tokens in training and in generation.
 * @throws DataError if the tokenizer has no end-of-text token, and as `fitRows`
 */
export function tokenRows(data: Dataset, tokenizer: Tokenizer, o: FitOptions): TokenRows {
  const { eos } = tokenizer.special;
  if (eos === undefined) {
    throw new DataError({
      where: 'tokenizer',
      what: 'it has no end-of-text token, so a model would never learn to end',
      fix: 'Name one as eos_token in tokenizer_config.json',
    });
  }
  if (data.kind !== 'prompt-completion' && data.kind !== 'text') {
    throw new DataError({
      where: data.where(0),
      what: 'rows of this kind are not trained on as they are',
      got: data.kind,
      wanted: 'text or prompt-completion',
      fix: 'Convert them first',
    });
  }
  const rows: TokenRow[] = isKind(data, 'prompt-completion')
    ? data.rows.map(({ prompt, completion }) => {
        const head = tokenizer.encodeText(prompt + tokenizer.promptSuffix);
        return { ids: Int32Array.of(...head, ...tokenizer.encodeText(completion), eos), from: head.length };
      })
    : (data as Dataset<'text'>).rows.map(({ text }) => ({
        ids: Int32Array.of(...tokenizer.encodeText(text), eos),
        from: 0,
      }));
  return fitRows(rows, (index) => data.where(index), o);
}

/**
 * Applies the overflow policy.
 * @param where names the place of a row
 * @throws DataError if no row is left, or for the first long one with policy `error`
 */
export function fitRows(
  rows: readonly TokenRow[],
  where: (index: number) => string,
  { limit, overflow = 'drop', keep = 'start' }: FitOptions,
): TokenRows {
  const kept: TokenRow[] = [];
  const places: string[] = [];
  let long = 0;
  let lost = 0;
  rows.forEach((row, index) => {
    const { ids, from } = row;
    if (ids.length <= limit) {
      kept.push(row);
      return;
    }
    const place = where(index);
    if (overflow === 'error') throw tooLong(place, ids.length, limit);
    long++;
    if (places.length < 10) places.push(place);
    if (overflow === 'split') {
      for (let start = 0; start < ids.length; start += limit) {
        // what belongs to the prompt stays out of the loss in every piece
        kept.push({ ids: ids.subarray(start, start + limit), from: Math.max(from - start, 0) });
      }
      return;
    }
    const start = keep === 'start' ? 0 : ids.length - limit;
    const cut = { ids: ids.subarray(start, start + limit), from: Math.max(from - start, 0) };
    // a row that is all prompt after the cut teaches nothing
    const usable = overflow === 'cut' && cut.from < cut.ids.length;
    lost += usable ? ids.length - limit : ids.length;
    if (usable) kept.push(cut);
  });
  if (kept.length === 0) {
    throw new DataError({
      where: where(0),
      what: rows.length === 0 ? 'there are no rows' : `all ${rows.length} rows are longer than the context`,
      got:
        rows.length === 0
          ? 0
          : `${rows.reduce((a, r) => Math.min(a, r.ids.length), Number.POSITIVE_INFINITY)} tokens in the shortest`,
      wanted: `at most ${limit} tokens`,
      fix: 'Use a larger contextLength, or another overflow policy',
    });
  }
  return { rows: kept, overflow: { rows: long, tokens: lost, where: places } };
}

const tooLong = (where: string, got: number, limit: number): DataError =>
  new DataError({
    where,
    what: 'the row is longer than the context',
    got: `${got} tokens`,
    wanted: `at most ${limit}`,
    fix: 'Use a larger contextLength, or overflow drop to leave such rows out',
  });

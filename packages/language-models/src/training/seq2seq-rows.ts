// Rows of an encoder-decoder: what the encoder reads and what the decoder is to write, each with the special tokens of a
// whole text.
import { DataError, type TokenBatch } from '@gimbal/tensor-core';
import { type Dataset, isKind } from '../data/rows.ts';
import { padBatch } from '../data/token-batch.ts';
import type { OverflowReport } from '../data/token-rows.ts';
import { frame, templateOf } from '../tokenizer/template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';

/** One row as tokens. */
export interface Seq2SeqRow {
  /** What the encoder reads [S] int32, special tokens included. */
  readonly source: Int32Array;
  /** What the decoder writes [T] int32, the end token included. */
  readonly target: Int32Array;
}

/** One batch: sources and targets, right-padded. */
export interface Seq2SeqBatch {
  /** What the encoder reads. */
  readonly sources: TokenBatch;
  /** What the decoder writes. */
  readonly targets: TokenBatch;
  /** Target tokens, padding left out. */
  readonly tokens: number;
}

/** How rows are brought within a length. */
export interface Seq2SeqFitOptions {
  /** Longest source in tokens. */
  limit: number;
  /** Longest target in tokens. */
  targetLimit: number;
  /** What becomes of a longer row: left out, cut at its end before the special tokens, or refused (`drop`). */
  overflow?: 'drop' | 'cut' | 'error';
}

/**
 * Encodes rows of prompts and completions.
 * @throws DataError for rows of another kind, a tokenizer that ends no text, or if no row is left
 */
export function seq2seqRows(
  data: Dataset,
  tokenizer: Tokenizer,
  { limit, targetLimit, overflow = 'drop' }: Seq2SeqFitOptions,
): { rows: Seq2SeqRow[]; overflow: OverflowReport } {
  if (!isKind(data, 'prompt-completion')) {
    const wanted = 'prompt-completion';
    throw new DataError({ where: data.where(0), what: 'an encoder-decoder learns pairs', got: data.kind, wanted });
  }
  const template = templateOf(tokenizer.json.post_processor);
  const { eos } = tokenizer.special;
  const last = template.single.at(-1);
  if (last === undefined || !('ids' in last) || last.ids.at(-1) !== eos) {
    throw new DataError({
      where: 'tokenizer',
      what: 'it does not end a text, so a model would never learn to end',
      fix: 'Its post-processor writes the end-of-text token after a text, as T5’s does',
    });
  }
  const kept: Seq2SeqRow[] = [];
  const where: string[] = [];
  let [long, lost] = [0, 0];
  data.rows.forEach(({ prompt, completion }, i) => {
    const [source, target] = [prompt, completion].map(
      (text) => frame(template, tokenizer.encodeText(text), undefined).ids,
    ) as [Int32Array, Int32Array];
    const over = Math.max(source.length - limit, 0) + Math.max(target.length - targetLimit, 0);
    if (over === 0) {
      kept.push({ source, target });
      return;
    }
    if (overflow === 'error') {
      throw new DataError({
        where: data.where(i),
        what: 'the row is too long',
        got: `${source.length} and ${target.length} tokens`,
        wanted: `at most ${limit} and ${targetLimit}`,
        fix: 'Raise maxLength or maxTargetLength, or overflow drop to leave such rows out',
      });
    }
    long++;
    if (where.length < 10) where.push(data.where(i));
    lost += overflow === 'cut' ? over : source.length + target.length;
    if (overflow === 'drop') return;
    const cut = (text: string, most: number): Int32Array =>
      frame(template, tokenizer.encodeText(text), undefined, most).ids;
    kept.push({ source: cut(prompt, limit), target: cut(completion, targetLimit) });
  });
  if (kept.length === 0) {
    const what = data.rows.length === 0 ? 'there are no rows' : `all ${data.rows.length} rows are too long`;
    const fix = 'Raise maxLength or maxTargetLength, or overflow cut to keep their beginnings';
    throw new DataError({ where: data.where(0), what, wanted: `at most ${limit} and ${targetLimit} tokens`, fix });
  }
  return { rows: kept, overflow: { rows: long, tokens: lost, where } };
}

/** A batch of rows. */
export function seq2seqBatch(rows: readonly Seq2SeqRow[], pad: number): Seq2SeqBatch {
  const targets = padBatch(
    rows.map(({ target }) => target),
    pad,
  );
  const sources = padBatch(
    rows.map(({ source }) => source),
    pad,
  );
  return { sources, targets, tokens: targets.lengths.reduce((a, b) => a + b, 0) };
}

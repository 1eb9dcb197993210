// Texts and pairs of texts to batches for encoders.

import { frame, templateOf } from '../tokenizer/template.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { EncoderBatch } from './encoder.ts';

/** One text, or two that are read together. */
export type TextOrPair = string | readonly [first: string, second: string];

/**
 * Encodes texts with the tokenizer's special tokens, right-padded.
 * @param o.limit longest row; longer ones lose the end of their longer text
 * @throws ConfigError for pairs where the tokenizer has no template for them
 */
export function encodeTexts(
  tokenizer: Tokenizer,
  texts: readonly TextOrPair[],
  o: { limit?: number } = {},
): EncoderBatch {
  const template = templateOf(tokenizer.json.post_processor);
  const rows = texts.map((text) => {
    const [a, b] = typeof text === 'string' ? [text] : text;
    return frame(template, tokenizer.encodeText(a), b === undefined ? undefined : tokenizer.encodeText(b), o.limit);
  });
  return padRows(rows, tokenizer.special.pad ?? 0);
}

/**
 * One row from the tokens of one text, or of two that are read together, with the tokenizer's special tokens.
 * @param limit longest row; a longer one loses the end of its longer text
 * @throws ConfigError for two texts where the tokenizer has no template for a pair
 */
export const frameTokens = (
  tokenizer: Tokenizer,
  first: Int32Array,
  second?: Int32Array,
  limit?: number,
): { ids: Int32Array; types: Int32Array } => frame(templateOf(tokenizer.json.post_processor), first, second, limit);

/** Right-pads rows that are encoded already. */
export function padRows(rows: readonly { ids: Int32Array; types: Int32Array }[], pad: number): EncoderBatch {
  const lengths = Int32Array.from(rows, (row) => row.ids.length);
  const width = lengths.reduce((a, b) => Math.max(a, b), 0);
  const ids = new Int32Array(rows.length * width).fill(pad);
  const types = new Int32Array(rows.length * width);
  rows.forEach((row, b) => {
    ids.set(row.ids, b * width);
    types.set(row.types, b * width);
  });
  return { ids, types, width, lengths };
}

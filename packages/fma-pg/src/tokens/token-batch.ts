/** What a codec and a policy of the user's give, checked: a fault of theirs is named where it is, not where it is felt. */
import { DataError, type Prompt, type TextCodec, type TokenBatch } from '@gimbal/tensor-core';
import { kindOf } from '../internal/given.ts';
import { promptText } from './prompt-text.ts';

/** Prompts as tokens. @throws DataError for what is no batch of as many rows */
export function encodePrompts(codec: TextCodec, prompts: readonly Prompt[]): TokenBatch {
  const batch: unknown = codec.encode(prompts.map(promptText));
  checkAnswer('codec.encode', batch, prompts.length);
  return batch;
}

/** Completions as texts. @throws DataError for what is no list of as many texts */
export function decodeCompletions(codec: TextCodec, completions: TokenBatch): string[] {
  const where = 'codec.decode';
  const texts: unknown = codec.decode(completions);
  const rows = completions.lengths.length;
  if (!Array.isArray(texts))
    throw new DataError({ where, what: 'it gave no list of texts', got: kindOf(texts), wanted: `${rows} texts` });
  if (texts.length !== rows)
    throw new DataError({ where, what: 'it gave another number of texts', got: texts.length, wanted: rows });
  const odd = texts.findIndex((text) => typeof text !== 'string');
  if (odd >= 0)
    throw new DataError({
      where: `${where}, row ${odd}`,
      what: 'no text',
      got: kindOf(texts[odd]),
      wanted: 'a string',
    });
  return texts as string[];
}

/**
 * @param where who gave it: 'codec.encode', 'policy.sample'
 * @param rows wanted
 * @throws DataError naming what is wrong, and of which row
 */
export function checkAnswer(where: string, batch: unknown, rows: number): asserts batch is TokenBatch {
  const refuse = (what: string, got: unknown, wanted: unknown, row?: number): DataError =>
    new DataError({ where: row === undefined ? where : `${where}, row ${row}`, what, got, wanted });
  if (typeof batch !== 'object' || batch === null)
    throw refuse('it gave no tokens', kindOf(batch), '{ ids, width, lengths }');
  const { ids, width, lengths, ended } = batch as { [K in keyof TokenBatch]?: unknown };
  if (!isList(lengths)) throw refuse('lengths is no list', kindOf(lengths), `an Int32Array of ${rows}`);
  if (lengths.length !== rows) throw refuse('it gave another number of rows', lengths.length, rows);
  if (!Number.isSafeInteger(width) || (width as number) < 0)
    throw refuse('width is no number of tokens', width, 'a whole number ≥ 0');
  const T = width as number;
  if (!isList(ids)) throw refuse('ids is no list', kindOf(ids), `an Int32Array of ${rows * T}`);
  if (ids.length !== rows * T) throw refuse('ids has another length', ids.length, `${rows} rows of width ${T}`);
  const odd = Array.from(lengths).findIndex((n) => !(Number.isSafeInteger(n) && n >= 0 && n <= T));
  if (odd >= 0) throw refuse('its length is outside the row', lengths[odd], `0 to the width, ${T}`, odd);
  if (ended === undefined || (isList(ended) && ended.length === rows)) return;
  throw refuse('ended is no list of as many', isList(ended) ? ended.length : kindOf(ended), rows);
}

const isList = (x: unknown): x is ArrayLike<number> => ArrayBuffer.isView(x) && 'length' in x;

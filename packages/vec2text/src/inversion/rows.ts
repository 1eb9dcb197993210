// Texts as rows of one width, for models that read padding too.
import type { Tokenizer } from '@gimbal/language-models';
import { refusal } from '../internal/refuse.ts';
import { beginningOf, plainTokens } from '../text/text-rows.ts';
import type { InverterConfig } from './config.ts';

/** Rows of maxLength tokens. */
export interface FixedRows {
  /** The texts that were kept. */
  readonly texts: readonly string[];
  /** [n·maxLength], ended by EOS, filled up with PAD. */
  readonly ids: Int32Array;
  /** Tokens of each row, EOS included. */
  readonly lengths: Int32Array;
  /** Texts that were too long. */
  readonly dropped: number;
}

/**
 * @param overflow what becomes of a longer text: left out, refused, or cut, which only a model's own text may be
 * @throws DataError `EMPTY_TEXT`, `UNKNOWN_TOKEN`, `TOO_LONG`, `NO_DATA`
 */
export function fixedRows(
  where: string,
  texts: readonly string[],
  tokenizer: Tokenizer,
  { maxLength, padId, eosId }: Pick<InverterConfig, 'maxLength' | 'padId' | 'eosId'>,
  overflow: 'drop' | 'error' | 'cut',
): FixedRows {
  const kept: string[] = [];
  const rows: Int32Array[] = [];
  let dropped = 0;
  texts.forEach((text, i) => {
    // a model's own text may be blank
    const ids =
      overflow === 'cut'
        ? tokenizer.encodeText(text)
        : Int32Array.from(plainTokens(`${where} text ${i}`, tokenizer, text));
    if (ids.length > maxLength - 1 && overflow !== 'cut') {
      dropped++;
      if (overflow === 'drop') return;
      throw refusal('TOO_LONG', {
        where,
        what: `text ${i}, ${beginningOf(text)}, is longer than the model`,
        got: `${ids.length} tokens`,
        wanted: `at most ${maxLength - 1}`,
      });
    }
    kept.push(text);
    rows.push(ids.slice(0, maxLength - 1));
  });
  if (kept.length === 0)
    throw refusal('NO_DATA', { where, what: `all ${texts.length} texts are too long, or there are none` });
  const ids = new Int32Array(kept.length * maxLength).fill(padId);
  rows.forEach((row, i) => {
    ids.set(row, i * maxLength);
    ids[i * maxLength + row.length] = eosId;
  });
  return { texts: kept, ids, lengths: Int32Array.from(rows, (row) => row.length + 1), dropped };
}

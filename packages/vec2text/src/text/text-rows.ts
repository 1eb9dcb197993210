// Texts as rows of tokens ended by EOS; what cannot be one is refused, never cut or guessed.
import type { Tokenizer } from '@gimbal/language-models';
import { nearest } from '@gimbal/tensor-core';
import { halfCharacter } from '../data/similarity.ts';
import { refusal } from '../internal/refuse.ts';
import type { Vec2TextConfig } from '../model/config.ts';
import { maskOf } from './tokenizers.ts';

type Limits = Pick<Vec2TextConfig, 'eosId' | 'maxLength'>;

/** The first letters of a text, by which an error names it. */
export function beginningOf(text: string): string {
  const letters = Array.from(text.slice(0, 100).trim().replace(/\s+/g, ' '));
  return `‘${letters.slice(0, 40).join('')}${letters.length > 40 ? '…' : ''}’`;
}

/** The words of closed vocabularies, found once. */
const vocabularies = new WeakMap<Tokenizer, ReadonlyMap<string, number> | null>();

/** Word → id where a tokenizer knows whole words only; null for others. */
function closedVocabulary(tokenizer: Tokenizer): ReadonlyMap<string, number> | null {
  const known = vocabularies.get(tokenizer);
  if (known !== undefined) return known;
  const { model, normalizer, pre_tokenizer } = tokenizer.json;
  const vocab = model.vocab as Record<string, number>;
  const isClosed =
    model.type === 'WordPiece' &&
    normalizer === null &&
    pre_tokenizer?.type === 'WhitespaceSplit' &&
    tokenizer.id(String(model.unk_token)) === undefined;
  const words = isClosed ? new Map(Object.entries(vocab)) : null;
  vocabularies.set(tokenizer, words);
  return words;
}

/**
 * The tokens of one text, EOS at the end.
 * @throws DataError: `EMPTY_TEXT` for blank text, `UNKNOWN_TOKEN` naming the word and the nearest known one, `TOO_LONG` where
 * it has more than maxLength − 1 tokens
 */
export function textRow(where: string, tokenizer: Tokenizer, text: string, c: Limits): Int32Array {
  const ids = plainTokens(where, tokenizer, text);
  if (ids.length + 1 > c.maxLength) {
    const wanted = `at most ${c.maxLength - 1}`;
    const what = `${beginningOf(text)} is longer than the model, in tokens`;
    throw refusal('TOO_LONG', { where, what, got: ids.length, wanted });
  }
  const row = new Int32Array(ids.length + 1);
  row.set(ids);
  row[ids.length] = c.eosId;
  return row;
}

/**
 * Refuses texts that a tokenizer has no tokens for, however long, before anything is computed.
 * @throws DataError naming the text by its number, from 0: `EMPTY_TEXT`, `UNKNOWN_TOKEN`
 */
export function checkTexts(tokenizer: Tokenizer, texts: readonly string[]): void {
  for (const [i, text] of texts.entries()) plainTokens(`vec2text: text ${i}`, tokenizer, text);
}

/**
 * The tokens of one text, however many.
 * @throws DataError: `EMPTY_TEXT`, `UNKNOWN_TOKEN`
 */
export function plainTokens(where: string, tokenizer: Tokenizer, text: string): ArrayLike<number> {
  if (typeof text !== 'string')
    throw refusal('EMPTY_TEXT', { where, what: 'no text', got: typeof text, wanted: 'a string' });
  if (text.trim() === '') throw refusal('EMPTY_TEXT', { where, what: 'the text is blank', got: text });
  if (halfCharacter.test(text)) {
    const what = 'the text has a surrogate alone, which is half a character';
    throw refusal('UNKNOWN_TOKEN', { where, what, got: text, fix: 'Cut texts between characters' });
  }
  const words = closedVocabulary(tokenizer);
  if (words === null) return openTokens(where, tokenizer, text);
  return text
    .trim()
    .split(/\s+/)
    .map((word) => {
      const id = words.get(word);
      if (id === undefined || tokenizer.isSpecial(id)) throw unknown(where, word, words, tokenizer);
      return id;
    });
}

function openTokens(where: string, tokenizer: Tokenizer, text: string): Int32Array {
  const ids = tokenizer.encodeText(text);
  const token = tokenizer.json.model.unk_token ?? undefined;
  const unk = typeof token === 'string' ? tokenizer.id(token) : undefined;
  if (unk !== undefined && ids.includes(unk))
    throw refusal('UNKNOWN_TOKEN', { where, what: 'the tokenizer does not know a part of the text', got: text });
  const { pad, bos, eos } = tokenizer.special;
  const roles = [pad, bos, eos, maskOf(tokenizer)]; // of which no decoder may write one
  const role = ids.find((id) => roles.includes(id));
  if (role !== undefined) {
    const what = 'the text has a special token in it';
    throw refusal('UNKNOWN_TOKEN', { where, what, got: tokenizer.token(role) });
  }
  if (ids.length === 0) throw refusal('EMPTY_TEXT', { where, what: 'the text has no token', got: text });
  return ids;
}

function unknown(where: string, word: string, words: ReadonlyMap<string, number>, tokenizer: Tokenizer): Error {
  const near = nearest(
    word,
    Array.from(words.keys()).filter((w) => !tokenizer.isSpecial(words.get(w) as number)),
  );
  const fix = near === undefined ? {} : { fix: `Did you mean ${near}?` };
  return refusal('UNKNOWN_TOKEN', { where, what: 'a word that the vocabulary has not', got: word, ...fix });
}

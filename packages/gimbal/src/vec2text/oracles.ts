// What is asked about texts: the parser of a generated language, or, for a text of the user's, its words.
import type { Rng } from '@gimbal/tensor-core';
import type { MeasuredRow, Oracles, Vec2Text } from '@gimbal/vec2text';
import { type AishMeaning, aishSlots, toyLanguages } from '@gimbal/worlds';

/** What words like "valid" mean on a page and in print. */
export interface Terms {
  /** said before the measures; undefined where the truth is known */
  readonly note?: string;
  /** a text that is valid, one that means the same, and agreement */
  readonly valid: string;
  readonly same: string;
  readonly agree: string;
  /** of a text that is not valid */
  readonly invalid: string;
}

/** Of a language with a parser. */
export const languageTerms: Terms = {
  valid: 'valid',
  same: 'meaning kept',
  agree: 'slots kept',
  invalid: 'no sentence',
};

/** Of a text of the user's: see `wordOracles`. */
export const wordTerms: Terms = {
  note:
    'No oracle knows these sentences. In what follows a text is called valid where every pair of neighbouring words in it ' +
    'occurs in those of training, its meaning is its words in any order, and agreement is the F1 of words.',
  valid: 'pairs of words known',
  same: 'the same words',
  agree: 'words kept (F1)',
  invalid: 'a pair of words that occurs in none of the sentences',
};

/** What can be asked of a sentence, by its name: the directions that attribute arithmetic goes in. */
export type Attributes = Readonly<Record<string, (text: string) => boolean | undefined>>;

/** Of a generated language; undefined for what is no sentence. */
export function languageAttributes(preset: 'typed' | 'reversible'): Attributes {
  const { aish } = toyLanguages({ preset });
  return {
    negated: (text) => bit(aish.parse(text)?.meaning.negated),
    passive: (text) => bit(aish.parse(text)?.surface.passive),
    'with a time': (text) => bit(aish.parse(text)?.meaning.time),
  };
}

const bit = (value: number | undefined): boolean | undefined => (value === undefined ? undefined : value > 0);

/** Of any text: whether it has more words than most. */
export function lengthAttributes(texts: readonly string[]): Attributes {
  const lengths = texts.map(words).sort((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
  return { long: (text) => words(text) > median };
}

const words = (text: string): number => text.trim().split(/\s+/).length;

/** Rows with a group each, to be measured apart: the one they have, or how many words they are of, in up to four bands. */
export function byLength(rows: readonly MeasuredRow[]): MeasuredRow[] {
  const lengths = rows.map(({ text }) => words(text)).sort((a, b) => a - b);
  // the least length of each quarter, each once
  const starts = [...new Set([0, 1, 2, 3].map((q) => lengths[Math.floor((q * lengths.length) / 4)] as number))];
  const name = (n: number): string => {
    const at = starts.findLastIndex((start) => start <= n);
    const end = at + 1 < starts.length ? (starts[at + 1] as number) - 1 : lengths.at(-1);
    return starts[at] === end ? `${end} words` : `${starts[at]} to ${end} words`;
  };
  return rows.map((row) => ({ ...row, group: row.group ?? name(words(row.text)) }));
}

/** The truth about a generated language. */
export function languageOracles(preset: 'typed' | 'reversible'): Oracles<AishMeaning> {
  const { aish } = toyLanguages({ preset });
  return {
    valid: aish.valid,
    sem: aish.sem,
    agree: aish.agree,
    slots: (meaning) => aishSlots.map((slot) => meaning[slot]),
  };
}

/** Sentences of a generated language, each with a paraphrase and an edit. */
export function languageRows(preset: 'typed' | 'reversible', n: number, stream: Rng): MeasuredRow[] {
  const { aish } = toyLanguages({ preset });
  return aish.sentences(n, stream.split('sentences')).map((text, i) => ({
    text,
    paraphrase: aish.paraphrase(text, stream.split(`paraphrase ${i}`)),
    edit: aish.edit(text, stream.split(`edit ${i}`)),
  }));
}

const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

const pairsOf = (words: readonly string[]): string[] => ['^', ...words].map((word, i) => `${word} ${words[i] ?? '$'}`);

/** Each pair of neighbouring words that stands in sentences, `^` before the first and `$` behind the last. */
export const wordPairs = (sentences: readonly string[]): ReadonlySet<string> =>
  new Set(sentences.flatMap((text) => pairsOf(wordsOf(text))));

/**
 * Of a text of the user's nothing is known but its words: a text is valid where each pair of neighbouring words stands
 * in the sentences somewhere, and means its words, whose F1 is the agreement.
 * @param known of `wordPairs`
 */
export function wordOracles(known: ReadonlySet<string>): Oracles<readonly string[]> {
  return {
    valid: (text) => pairsOf(wordsOf(text)).every((pair) => known.has(pair)),
    sem: (text) => {
      const words = wordsOf(text);
      return words.length === 0 ? undefined : words.sort();
    },
    agree: (a, b) => {
      let [hits, i, j] = [0, 0, 0];
      while (i < a.length && j < b.length) {
        const [x, y] = [a[i] as string, b[j] as string];
        if (x === y) hits++;
        if (x <= y) i++;
        if (y <= x) j++;
      }
      return (2 * hits) / (a.length + b.length);
    },
  };
}

/** Which generated language a model's vocabulary is that of. */
export function languageOf(model: Vec2Text): 'typed' | 'reversible' | null {
  for (const language of ['typed', 'reversible'] as const) {
    const { words } = toyLanguages({ preset: language }).aish;
    if (words.every((word) => model.tokenizer.id(word) !== undefined)) return language;
  }
  return null;
}

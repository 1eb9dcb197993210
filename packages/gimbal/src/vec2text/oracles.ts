// What is asked about texts: the parser of a generated language, or, for a text of the user's, its words.
import type { Rng } from '@gimbal/tensor-core';
import type { MeasuredRow, Oracles } from '@gimbal/vec2text';
import { type AishMeaning, aishSlots, toyLanguages } from '@gimbal/worlds';

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

/**
 * Of a text of the user's nothing is known but its words: a text is valid where each pair of neighbouring words stands
 * in the sentences somewhere, and means its words, whose F1 is the agreement.
 */
export function wordOracles(sentences: readonly string[]): Oracles<readonly string[]> {
  const wordsOf = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
  const pairsOf = (words: readonly string[]): string[] =>
    ['^', ...words].map((word, i) => `${word} ${words[i] ?? '$'}`);
  const known = new Set(sentences.flatMap((text) => pairsOf(wordsOf(text))));
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

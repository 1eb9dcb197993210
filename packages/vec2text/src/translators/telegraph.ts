// The telegraph pivot: function words are left out, and a model trained on the same text puts them back by chance. It needs
// no second language and no translator, so that a user's own text trains at once.

import type { Tokenizer } from '@gimbal/language-models';
import type { Pivot } from '../data/build-round-trips.ts';
import type { Translator } from '../data/round-trip.ts';
import { wordsOf } from '../data/similarity.ts';
import { checkKnown, optionNames } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import { checkThat } from '../space/check-size.ts';
import { textTokenizer } from '../text/tokenizers.ts';
import { type TrainTranslatorOptions, trainTranslator, trainTranslatorNames } from './seq2seq-translator.ts';

/** English words that say how the others belong together. */
export const functionWords: readonly string[] = (
  'a an the this that these those some any of to in on at by for from with into over under near up down out off about ' +
  'and or but so as if while than then there here is are was were be been being am do does did has have had having ' +
  'will would can could may might shall should must not no it its he she they them him her his their we us our you your ' +
  'i me my who whom which what'
).split(' ');

/**
 * The most frequent words of texts, which in any language are mostly function words.
 * @param share of all running words that they make up (.4)
 * @throws ConfigError for a share outside (0, 1)
 */
export function frequentWords(texts: Iterable<string>, share = 0.4): string[] {
  checkThat('frequentWords.share', share > 0 && share < 1, share, 'a number between 0 and 1');
  const counts = new Map<string, number>();
  let total = 0;
  for (const text of texts)
    for (const word of wordsOf(text.toLowerCase())) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      total++;
    }
  const chosen: string[] = [];
  let covered = 0;
  for (const [word, count] of [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))) {
    if (covered >= share * total) break;
    chosen.push(word);
    covered += count;
  }
  return chosen;
}

/**
 * Leaves words out, punctuation beside them too; a text of nothing else stays as it is.
 * @param dropped in lower case (English function words)
 */
export function telegraph(dropped: Iterable<string> = functionWords): Translator {
  const words = new Set(dropped);
  const isDropped = (word: string): boolean => words.has(word.toLowerCase().replace(/^\p{P}+|\p{P}+$/gu, ''));
  return {
    name: 'telegraph',
    translate: async (batch) =>
      batch.map((text) => {
        const all = wordsOf(text);
        const kept = all.filter((word) => !isDropped(word));
        return (kept.length > 0 ? kept : all).join(' ');
      }),
  };
}

/** A pivot that owns the weights of its way back. */
export type TelegraphPivot = Pivot & Disposable;

/** How the telegraph pivot is made: all but `seed` has a default. */
export interface TelegraphOptions extends Omit<TrainTranslatorOptions, 'name' | 'pairs' | 'tokenizer'> {
  /** Words to leave out, in lower case (English function words; `frequentWords` for other languages). */
  dropped?: Iterable<string>;
  /** Of the way back (one trained on the texts, of 2,000 tokens). */
  tokenizer?: Tokenizer;
}

const { name: _, pairs: __, ...backNames } = trainTranslatorNames;
const names = optionNames<TelegraphOptions>({ ...backNames, dropped: true });

/**
 * Trains the way back on texts, and gives the pivot: with temperature 1 every trip is another sentence of the same content
 * words.
 * @throws DataError (`NO_DATA`) where no text has a word to leave out
 * @example
 * using pivot = await telegraphPivot(texts, { seed: 0, steps: 2000 });
 * for await (const row of buildRoundTrips(texts, { pivots: [pivot], seed: 0 })) rows.push(row);
 */
export async function telegraphPivot(texts: readonly string[], o: TelegraphOptions): Promise<TelegraphPivot> {
  checkKnown('telegraphPivot', o, names);
  const { dropped = functionWords, tokenizer = textTokenizer(texts, { vocabularySize: 2000 }), ...rest } = o;
  const forward = telegraph([...dropped]);
  const short = await forward.translate([...texts]);
  if (short.every((text, i) => text === wordsOf(texts[i] as string).join(' '))) {
    const what = 'no text has a word to leave out';
    const fix = 'Give dropped: frequentWords(texts) for another language than English';
    throw refusal('NO_DATA', { where: 'telegraphPivot', what, fix });
  }
  const pairs = texts.map((text, i) => [short[i] as string, text] as const);
  const back = await trainTranslator({ ...rest, name: 'telegraph-back', pairs, tokenizer });
  const dispose = (): void => back.dispose();
  return { name: 'telegraph', forward, back, [Symbol.dispose]: dispose };
}

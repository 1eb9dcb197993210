// The telegraph pivot: function words are left out, and what stood between the kept words elsewhere in the same text puts them
// back by chance. It needs no second language, no translator and no training, so that a user's own text trains at once.
//
// An encoder-decoder trained on such pairs, as round trips have it, is far worse at small sizes: it has to learn to copy words
// that here are known to come back.

import { optionNames, rng } from '@gimbal/tensor-core';
import type { Pivot } from '../data/build-round-trips.ts';
import type { Translator } from '../data/round-trip.ts';
import { textId, wordsOf } from '../data/similarity.ts';
import { checkKnown } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import { checkThat } from '../space/check-size.ts';
import { gapFiller } from './gap-filler.ts';

/** English words that say how the others belong together; those that deny what they say stay. */
export const functionWords: readonly string[] = (
  'a an the this that these those some any of to in on at by for from with into over under near up down out off about ' +
  'and or but so as if while than then there here is are was were be been being am do does did has have had having ' +
  'will would can could may might shall should must it its he she they them him her his their we us our you your ' +
  'i me my who whom which what'
).split(' ');

/**
 * The most frequent words of texts, which in any language are mostly function words.
 * @param share of all running words that they make up (.4)
 * @throws ConfigError for a share outside (0, 1) and for what is no list of texts
 */
export function frequentWords(texts: Iterable<string>, share = 0.4): string[] {
  checkTexts('frequentWords', texts);
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

const droppedIn = (dropped: Iterable<string>): ((word: string) => boolean) => {
  const words = new Set([...dropped].map((word) => word.toLowerCase()));
  return (word) => words.has(word.toLowerCase().replace(/^\p{P}+|\p{P}+$/gu, ''));
};

/**
 * Leaves words out, punctuation beside them too; a text of nothing else stays as it is.
 * @param dropped in any case (English function words)
 * @throws ConfigError for what is no list of words
 */
export function telegraph(dropped: Iterable<string> = functionWords): Translator {
  checkTexts('telegraph.dropped', dropped);
  const isDropped = droppedIn(dropped);
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

/** How the telegraph pivot is made. */
export interface TelegraphOptions {
  /** Words to leave out, in any case (English function words; `frequentWords` for other languages). */
  dropped?: Iterable<string>;
}

/** One text is an iterable of texts of a character each, and is meant by nobody. */
function checkTexts(where: string, got: unknown): void {
  const isList = typeof got === 'object' && got !== null && Symbol.iterator in got;
  if (isList && [...(got as Iterable<unknown>)].every((text) => typeof text === 'string')) return;
  throw refusal('CONFIG', { where, what: 'no list of texts', got: typeof got, wanted: 'a list of texts' });
}

const names = optionNames<TelegraphOptions>({ dropped: true });

/**
 * The telegraph and its way back, which counts what stands between two kept words of the texts. A round trip has all kept words
 * in their order; at temperature 1 every trip is a draw, at 0 the likeliest. What a text of function words alone becomes is
 * itself. Sentences that are counted come back as they were oftener than others do: a third of 11,000 captions, half of 300.
 * @throws DataError (`NO_DATA`) where no text has a word to leave out; ConfigError for what is no list of texts; its way back
 * throws ConfigError for a temperature below 0, or above it without a stream
 * @example
 * const pivot = telegraphPivot(texts);
 * for await (const row of buildRoundTrips(texts, { pivots: [pivot], seed: 0 })) rows.push(row);
 */
export function telegraphPivot(texts: readonly string[], o: TelegraphOptions = {}): Pivot {
  checkKnown('telegraphPivot', o, names);
  checkTexts('telegraphPivot', texts);
  checkTexts('telegraphPivot.dropped', o.dropped ?? []);
  const dropped = [...(o.dropped ?? functionWords)];
  const isDropped = droppedIn(dropped);
  if (!texts.some((text) => wordsOf(text).some(isDropped))) {
    const what = 'no text has a word to leave out';
    const fix = 'Give dropped: frequentWords(texts) for another language than English';
    throw refusal('NO_DATA', { where: 'telegraphPivot', what, fix });
  }
  const fill = gapFiller(texts, isDropped);
  const back: Translator = {
    // of other texts or words it is another one, which kept round trips are not of
    name: `telegraph-back ${textId([...dropped, '', ...texts].join('\n'))}`,
    translate: async (batch, { temperature = 0, rng: stream } = {}) => {
      checkThat('telegraph-back.temperature', temperature >= 0, temperature, 'a number ≥ 0');
      if (temperature > 0 && stream === undefined)
        throw refusal('CONFIG', {
          where: 'telegraph-back.rng',
          what: 'sampling needs a stream',
          wanted: 'rng: rng(seed)',
        });
      return batch.map((text, i) => {
        const kept = wordsOf(text);
        return kept.every(isDropped) ? text : fill(kept, temperature, (stream ?? rng(0)).split(i));
      });
    },
  };
  return { name: 'telegraph', forward: telegraph(dropped), back };
}

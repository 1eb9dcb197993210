// Different n-grams among all, and how far that is known.
import { distinctN } from '@gimbal/language-models';
import { wordsOf } from '../data/similarity.ts';
import { jackknife } from './jackknife.ts';
import type { Measure } from './measure.ts';

/** `distinctN` and its jackknife: it needs each text's n-grams, as `distinctN` of all texts but one, n times, is quadratic. */
export function distinctInterval(texts: readonly string[], size: number): Measure {
  const grams = texts.map((text) => {
    const words = wordsOf(text);
    return Array.from({ length: Math.max(0, words.length + 1 - size) }, (_, i) => words.slice(i, i + size).join(' '));
  });
  const [all, total] = [countsOf(grams.flat()), grams.reduce((sum, list) => sum + list.length, 0)];
  const without = grams.map((list) => {
    const only = [...countsOf(list)].filter(([gram, count]) => all.get(gram) === count).length;
    const left = total - list.length;
    return left === 0 ? 0 : (all.size - only) / left;
  });
  return jackknife(distinctN(texts, size), without, [0, 1]);
}

function countsOf(list: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const x of list) counts.set(x, (counts.get(x) ?? 0) + 1);
  return counts;
}

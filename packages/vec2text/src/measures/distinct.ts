// Different n-grams among all, and how far that is known.
import { wordsOf } from '../data/similarity.ts';
import type { Measure } from './measure.ts';

/**
 * distinct-n (Li et al. 2016, arXiv 1510.03055): different n-grams / n-grams of all texts; 0 where there are none.
 *
 * Its interval is the jackknife's, 1.96 standard errors from leaving each text out once (Efron & Stein 1981): resampled texts
 * would repeat n-grams that were never repeated, and their values lie below the one that they are to surround.
 */
export function distinctInterval(texts: readonly string[], size: number): Measure {
  const grams = texts.map((text) => {
    const words = wordsOf(text);
    return Array.from({ length: Math.max(0, words.length + 1 - size) }, (_, i) => words.slice(i, i + size).join(' '));
  });
  const [all, total] = [countsOf(grams.flat()), grams.reduce((sum, list) => sum + list.length, 0)];
  const share = (different: number, of: number): number => (of === 0 ? 0 : different / of);
  const n = texts.length;
  const without = grams.map((list) => {
    const only = [...countsOf(list)].filter(([gram, count]) => all.get(gram) === count).length;
    return share(all.size - only, total - list.length);
  });
  const mean = without.reduce((sum, x) => sum + x / n, 0);
  const error = Math.sqrt(((n - 1) / n) * without.reduce((sum, x) => sum + (x - mean) ** 2, 0));
  const value = share(all.size, total);
  return { value, ci: [Math.max(0, value - 1.96 * error), Math.min(1, value + 1.96 * error)], n };
}

function countsOf(list: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const x of list) counts.set(x, (counts.get(x) ?? 0) + 1);
  return counts;
}

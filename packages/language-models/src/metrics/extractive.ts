// How much of a summary is copied (Grusky, Naaman and Artzi, arXiv 1804.11283, figure 3): greedy longest fragments that
// stand in the article too.
//
//   coverage = Σ |f| / |s|,  density = Σ |f|² / |s|,  compression = |a| / |s|

import { DataError } from '@gimbal/tensor-core';

/** How much of a summary is copied, in three numbers. */
export interface Extractiveness {
  /** Share of the summary's words that stand in a fragment of the article. */
  readonly coverage: number;
  /** Mean length of the fragment that a word stands in. */
  readonly density: number;
  /** Words of the article for each of the summary. */
  readonly compression: number;
}

const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu) ?? [];

/**
 * Coverage, density and compression of a summary; zeros for an empty one.
 * @throws DataError for anything but one text and one summary
 */
export function extractiveness(article: string, summary: string): Extractiveness {
  for (const text of [article, summary] as unknown[]) {
    if (typeof text === 'string') continue;
    const got = Array.isArray(text) ? 'a list' : typeof text;
    throw new DataError({ where: 'extractiveness', what: 'it is of one text and its summary', got, wanted: 'a text' });
  }
  const [a, s] = [words(article), words(summary)];
  const places = new Map<string, number[]>();
  a.forEach((word, i) => {
    const list = places.get(word);
    if (list) list.push(i);
    else places.set(word, [i]);
  });
  const fragments: number[] = [];
  for (let i = 0; i < s.length; ) {
    let best = 0;
    for (const at of places.get(s[i] as string) ?? []) {
      let n = 0;
      while (i + n < s.length && at + n < a.length && s[i + n] === a[at + n]) n++;
      best = Math.max(best, n);
    }
    if (best > 0) fragments.push(best);
    i += Math.max(best, 1);
  }
  if (s.length === 0) return { coverage: 0, density: 0, compression: 0 };
  const sum = (f: (length: number) => number): number => fragments.reduce((total, length) => total + f(length), 0);
  return {
    coverage: sum((n) => n) / s.length,
    density: sum((n) => n * n) / s.length,
    compression: a.length / s.length,
  };
}

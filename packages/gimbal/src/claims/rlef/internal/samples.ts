// Many samples of the summariser for each held-out article: what reranking and the closed form are computed from.
import { desk, heldOut, isEntailed, write } from './desk.ts';
import { summariser } from './supervised.ts';

/** Entailed or not, by article [300][n]. */
export type Hits = readonly (readonly boolean[])[];

const known = new Map<string, Promise<{ hits: boolean[][]; texts: string[][] }>>();

/** `n` samples of each of 300 articles at T = 1. @param name draws of another name are other draws */
export function samplesOf(
  name: string,
  n: number,
  signal: AbortSignal,
): Promise<{ hits: boolean[][]; texts: string[][] }> {
  const key = `${name} ${n}`;
  const found = known.get(key);
  if (found) return found;
  const made = draw(name, n, signal);
  made.catch(() => known.delete(key));
  known.set(key, made);
  return made;
}

async function draw(name: string, n: number, signal: AbortSignal): Promise<{ hits: boolean[][]; texts: string[][] }> {
  const { params } = await summariser(signal);
  const articles = heldOut();
  const texts = articles.map(({ text }) => text);
  const hits = articles.map((): boolean[] => []);
  const all = articles.map((): string[] => []);
  for (let i = 0; i < n; i++) {
    const written = await write(params, texts, { temperature: 1, seed: `${name} ${i}`, signal });
    for (const [at, article] of articles.entries()) {
      const { text, ended } = written[at] as { text: string; ended: boolean };
      hits[at]?.push(ended && isEntailed(article, text));
      // a summary without an end is none
      all[at]?.push(ended ? text : `${text} ${desk.vocabulary[desk.ids.pol]}`);
    }
  }
  return { hits, texts: all };
}

/** q* of an article of which c of n samples are entailed (rlef.md 2.2), less the bias of estimating q (jackknife). */
export function closedForm(hits: readonly boolean[], alpha: number, error: number): number {
  const n = hits.length;
  const c = hits.filter(Boolean).length;
  const k = (1 - alpha) / alpha;
  const [yes, no] = [(1 - error) ** k, error ** k];
  const of = (count: number, total: number): number => {
    const q = count / total;
    return (q * yes) / (q * yes + (1 - q) * no);
  };
  const without = (c * of(c - 1, n - 1) + (n - c) * of(c, n - 1)) / n;
  return n * of(c, n) - (n - 1) * without;
}

/** P(at least one of N is entailed), unbiased, from c of n samples: 1 − C(n − c, N) / C(n, N). */
export function bestOf(hits: readonly boolean[], N: number): number {
  const n = hits.length;
  const c = hits.filter(Boolean).length;
  let none = 1;
  for (let i = 0; i < N; i++) none *= Math.max(n - c - i, 0) / (n - i);
  return 1 - none;
}

// BLEU (Papineni et al. 2002) by sacreBLEU's definition (Post 2018, version 2.6.0, its defaults): the tokens of mteval-v13a,
// letter case kept, up to four tokens, precisions of zero halved again and again (`exp`), the closest reference's length.
import { type BootstrapOptions, bootstrap, type Interval } from './bootstrap.ts';
import { type References, referencesOf } from './check.ts';
import { countNgrams } from './ngrams.ts';
import { splitWords, trimEnd } from './white-space.ts';

/** mteval-v13a: punctuation apart, but not inside numbers. */
export function tokenize13a(line: string): string[] {
  let text = line.replaceAll('<skipped>', '').replace(/-\n/g, '').replaceAll('\n', ' ');
  if (text.includes('&')) {
    text = text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
  }
  return splitWords(
    ` ${text} `
      .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
      .replace(/([^0-9])([.,])/g, '$1 $2 ')
      .replace(/([.,])([^0-9])/g, ' $1 $2')
      .replace(/([0-9])(-)/g, '$1 $2 '),
  );
}

/** runs of so many tokens are the longest that count */
export const longest = 4;

/** Of a prediction, by the length of runs: how many its references have, how many there are; and lengths in tokens. */
interface Counts {
  readonly hits: number[];
  readonly totals: number[];
  readonly predicted: number;
  readonly wanted: number;
}

function countsOf(prediction: string, references: readonly string[]): Counts {
  const p = tokenize13a(trimEnd(prediction));
  const lists = references.map((reference) => tokenize13a(trimEnd(reference)));
  const [hits, totals]: [number[], number[]] = [[], []];
  for (let n = 1; n <= longest; n++) {
    const most = new Map<string, number>();
    for (const list of lists) {
      for (const [key, count] of countNgrams(list, n)) most.set(key, Math.max(most.get(key) ?? 0, count));
    }
    let [hit, all] = [0, 0];
    for (const [key, count] of countNgrams(p, n)) {
      hit += Math.min(count, most.get(key) ?? 0);
      all += count;
    }
    hits.push(hit);
    totals.push(all);
  }
  // the closest length; of two as close the shorter
  const lengths = lists
    .map((list) => list.length)
    .sort((a, b) => Math.abs(a - p.length) - Math.abs(b - p.length) || a - b);
  return { hits, totals, predicted: p.length, wanted: lengths[0] as number };
}

/** Of counts. @param effectiveOrder of texts shorter than four tokens, of as many as they have */
export function bleuOf(all: readonly Counts[], effectiveOrder: boolean): number {
  const sum = (f: (c: Counts) => number): number => all.reduce((a, c) => a + f(c), 0);
  const [predicted, wanted] = [sum((c) => c.predicted), sum((c) => c.wanted)];
  if (sum((c) => c.hits[0] as number) === 0) return 0;
  const logs: number[] = [];
  let smooth = 1;
  for (let n = 0; n < longest; n++) {
    const [hits, totals] = [sum((c) => c.hits[n] as number), sum((c) => c.totals[n] as number)];
    if (totals === 0) {
      if (effectiveOrder) break;
      return 0;
    }
    if (hits === 0) smooth *= 2;
    logs.push(Math.log(hits === 0 ? 100 / (smooth * totals) : (100 * hits) / totals));
  }
  const brevity = predicted < wanted ? Math.exp(1 - wanted / predicted) : 1;
  // the logarithms of four times 100 are rounded up to a hair more than 100
  return Math.min(100, brevity * Math.exp(logs.reduce((a, b) => a + b, 0) / logs.length));
}

/**
 * BLEU of a whole set of predictions, 0 to 100.
 * @throws DataError where predictions and references differ in number
 */
export function corpusBleu(predictions: readonly string[], references: References): number {
  const lists = referencesOf('corpusBleu', predictions, references);
  return bleuOf(
    predictions.map((prediction, i) => countsOf(prediction, lists[i] as readonly string[])),
    false,
  );
}

/**
 * The interval of {@link corpusBleu} when rows are drawn again; n-grams are counted once.
 * @throws DataError where predictions and references differ in number, or there are none
 */
export function bootstrapBleu(predictions: readonly string[], references: References, o: BootstrapOptions): Interval {
  const lists = referencesOf('bootstrapBleu', predictions, references);
  const counts = predictions.map((prediction, i) => countsOf(prediction, lists[i] as readonly string[]));
  return bootstrap(
    counts.length,
    (indices) =>
      bleuOf(
        indices.map((i) => counts[i] as Counts),
        false,
      ),
    o,
  );
}

/**
 * BLEU of one prediction, 0 to 100; of a short one, of as many tokens as it has.
 * @throws DataError without a reference
 */
export const sentenceBleu = (prediction: string, references: readonly string[]): number => {
  const [list] = referencesOf('sentenceBleu', [prediction], [references]) as [readonly string[]];
  return bleuOf([countsOf(prediction, list)], true);
};

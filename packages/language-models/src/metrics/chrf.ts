// chrF2 (Popović 2015) by sacreBLEU's definition (2.6.0, its defaults): F₂ of runs of 1 to 6 characters, white space left out.
import { type BootstrapOptions, bootstrap, type Interval } from './bootstrap.ts';
import { type References, referencesOf } from './check.ts';
import { countNgrams, overlap, total } from './ngrams.ts';
import { splitWords } from './white-space.ts';

const [longest, beta] = [6, 2];

/** [prediction's runs, reference's runs, common ones] by length. */
type Counts = readonly (readonly [predicted: number, wanted: number, hits: number])[];

function countsOf(prediction: string, reference: string): Counts {
  const [p, r] = [prediction, reference].map((text) => [...splitWords(text).join('')]) as [string[], string[]];
  return Array.from({ length: longest }, (_, i) => {
    const [a, b] = [countNgrams(p, i + 1), countNgrams(r, i + 1)];
    // without any run of the reference the prediction's do not count either
    return [b.size > 0 ? total(a) : 0, total(b), overlap(a, b)];
  });
}

function scoreOf(counts: Counts): number {
  const epsilon = 1e-16;
  let [precision, recall, orders] = [0, 0, 0];
  for (const [predicted, wanted, hits] of counts) {
    precision += predicted > 0 ? hits / predicted : epsilon;
    recall += wanted > 0 ? hits / wanted : epsilon;
    if (predicted > 0 && wanted > 0) orders++;
  }
  if (orders === 0) return 0;
  const [p, r] = [precision / orders, recall / orders];
  return p + r > 0 ? (100 * (1 + beta ** 2) * p * r) / (beta ** 2 * p + r) : 0;
}

/** The counts with the best of several references. */
function bestCounts(prediction: string, references: readonly string[]): Counts {
  const all = references.map((reference) => countsOf(prediction, reference));
  return all.reduce((a, b) => (scoreOf(b) > scoreOf(a) ? b : a));
}

/** Of a set: the runs of all rows together. */
function scoreOfAll(all: readonly Counts[]): number {
  const sums = Array.from({ length: longest }, () => [0, 0, 0] as [number, number, number]);
  for (const counts of all) {
    counts.forEach((each, n) => {
      for (const k of [0, 1, 2] as const) (sums[n] as [number, number, number])[k] += each[k];
    });
  }
  return scoreOf(sums);
}

function countsOfAll(where: string, predictions: readonly string[], references: References): Counts[] {
  const lists = referencesOf(where, predictions, references);
  return predictions.map((prediction, i) => bestCounts(prediction, lists[i] as readonly string[]));
}

/**
 * chrF2 of a whole set of predictions, 0 to 100.
 * @throws DataError where predictions and references differ in number
 */
export const corpusChrf = (predictions: readonly string[], references: References): number =>
  scoreOfAll(countsOfAll('corpusChrf', predictions, references));

/**
 * The interval of {@link corpusChrf} when rows are drawn again; runs of characters are counted once.
 * @throws DataError where predictions and references differ in number, or there are none
 */
export function bootstrapChrf(predictions: readonly string[], references: References, o: BootstrapOptions): Interval {
  const counts = countsOfAll('bootstrapChrf', predictions, references);
  return bootstrap(counts.length, (indices) => scoreOfAll(indices.map((i) => counts[i] as Counts)), o);
}

/**
 * chrF2 of one prediction, 0 to 100.
 * @throws DataError without a reference
 */
export const sentenceChrf = (prediction: string, references: readonly string[]): number =>
  scoreOfAll(countsOfAll('sentenceChrf', [prediction], [references]));

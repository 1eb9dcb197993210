// chrF2 (Popović 2015) by sacreBLEU's definition (2.6.0, its defaults): F₂ of runs of 1 to 6 characters, white space left out.
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

/**
 * chrF2 of a whole set of predictions, 0 to 100.
 * @throws DataError where predictions and references differ in number
 */
export function corpusChrf(predictions: readonly string[], references: References): number {
  const lists = referencesOf('corpusChrf', predictions, references);
  const sums = Array.from({ length: longest }, () => [0, 0, 0] as [number, number, number]);
  predictions.forEach((prediction, i) => {
    bestCounts(prediction, lists[i] as readonly string[]).forEach((counts, n) => {
      for (const k of [0, 1, 2] as const) (sums[n] as [number, number, number])[k] += counts[k];
    });
  });
  return scoreOf(sums);
}

/** chrF2 of one prediction, 0 to 100. */
export const sentenceChrf = (prediction: string, references: readonly string[]): number =>
  scoreOf(bestCounts(prediction, references));

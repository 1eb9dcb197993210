// ROUGE (Lin 2004) as the package rouge-score computes it: lower case, runs of letters and digits as tokens, no stemming.
import { type References, referencesOf } from './check.ts';
import { countNgrams, overlap, total } from './ngrams.ts';

/** Share of the prediction that is in the reference, of the reference that is in the prediction, and their harmonic mean. */
export interface RougeScore {
  /** Share of the prediction. */
  readonly precision: number;
  /** Share of the reference. */
  readonly recall: number;
  /** Their harmonic mean. */
  readonly f1: number;
}

const tokenize = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((token) => token !== '');

const score = (hits: number, predicted: number, wanted: number): RougeScore => {
  const [precision, recall] = [hits / Math.max(predicted, 1), hits / Math.max(wanted, 1)];
  return { precision, recall, f1: precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0 };
};

/** ROUGE-n of one text. */
export function rougeN(prediction: string, reference: string, n: number): RougeScore {
  const [p, r] = [countNgrams(tokenize(prediction), n), countNgrams(tokenize(reference), n)];
  return score(overlap(p, r), total(p), total(r));
}

/** ROUGE-L of one text: its longest common subsequence with the reference. */
export function rougeL(prediction: string, reference: string): RougeScore {
  const [p, r] = [tokenize(prediction), tokenize(reference)];
  let row = new Int32Array(r.length + 1);
  for (const token of p) {
    const next = new Int32Array(r.length + 1);
    for (let j = 1; j <= r.length; j++) {
      next[j] = token === r[j - 1] ? (row[j - 1] as number) + 1 : Math.max(row[j] as number, next[j - 1] as number);
    }
    row = next;
  }
  return score(row[r.length] as number, p.length, r.length);
}

/** F1 of ROUGE-1, -2 and -L; of several references the best. */
export interface Rouge {
  /** Single words. */
  readonly rouge1: number;
  /** Pairs of neighbouring words. */
  readonly rouge2: number;
  /** The longest common subsequence. */
  readonly rougeL: number;
}

/**
 * ROUGE of each prediction.
 * @throws DataError where predictions and references differ in number
 */
export function rouge(predictions: readonly string[], references: References): Rouge[] {
  return referencesOf('rouge', predictions, references).map((list, i) => {
    const prediction = predictions[i] as string;
    const best = (f: (reference: string) => RougeScore): number =>
      Math.max(...list.map((reference) => f(reference).f1));
    return {
      rouge1: best((r) => rougeN(prediction, r, 1)),
      rouge2: best((r) => rougeN(prediction, r, 2)),
      rougeL: best((r) => rougeL(prediction, r)),
    };
  });
}

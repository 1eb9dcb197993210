/** All against all: the share of comparisons that each contestant won against each other, with intervals. */
import { checkOpenShare, checkOption, DataError } from '@gimbal/tensor-core';
import type { PreferenceMatrix } from '../games/preference-matrix.ts';
import { clopperPearson, mostTrials } from './clopper-pearson.ts';

/** W[i][j] = P(i ≻ j), measured; a preference matrix, so that every measure of one applies. */
export interface WinRateMatrix extends PreferenceMatrix {
  /** names of the contestants */
  readonly labels: readonly string[];
  /** lower end of each rate's interval, `[n·n]` */
  readonly low: Float64Array;
  /** upper end, `[n·n]`; low[i][j] + high[j][i] = 1 */
  readonly high: Float64Array;
  /** comparisons behind each rate, `[n·n]`; 0 on the diagonal, where ½ is known */
  readonly samples: Float64Array;
  /** of the intervals */
  readonly confidence: number;
}

/** One comparison of two contestants. */
export interface Comparison {
  /** name of the one */
  a: string;
  /** name of the other */
  b: string;
  /** 1 if a won, 0 if b did, ½ for a tie, or a probability that a is preferred */
  score: number;
}

/**
 * Win rates from single comparisons. A tie is half a win for both.
 * @param comparisons in any order; both orders of a pair count towards it
 * @param o.confidence of the intervals (Clopper–Pearson, on wins + ties/2), in (0, 1); default .95
 * @param o.labels the contestants and their order; default: as they first appear
 * @returns rates of ½ with the interval [0, 1] for pairs that never met
 * @throws DataError for a name that is twice in `labels`, a score outside [0, 1], a contestant against itself, or a name not in `labels`
 * @example winRates([{ a: 'nash-md', b: 'rlhf', score: 1 }, { a: 'rlhf', b: 'nash-md', score: 0.5 }])
 */
export function winRates(
  comparisons: Iterable<Comparison>,
  o: { confidence?: number; labels?: readonly string[] } = {},
): WinRateMatrix {
  const places = new Map<string, number>((o.labels ?? []).map((label, i) => [label, i]));
  checkLabels(o.labels ?? []);
  const list = Array.from(comparisons);
  for (const [k, { a, b, score }] of list.entries()) {
    const where = `winRates, comparison ${k}`;
    for (const name of [a, b]) {
      if (places.has(name)) continue;
      if (o.labels !== undefined)
        throw new DataError({ where, what: 'no such contestant', got: name, wanted: `one of ${o.labels.join(', ')}` });
      places.set(name, places.size);
    }
    if (a === b) throw new DataError({ where, what: 'a contestant meets itself', got: a, wanted: 'two names' });
    if (!(typeof score === 'number' && score >= 0 && score <= 1))
      throw new DataError({ where, what: 'no score', got: score, wanted: 'a number from 0 to 1' });
  }
  const labels = [...places.keys()];
  const n = labels.length;
  const wins = new Float64Array(n * n);
  for (const { a, b, score } of list) {
    const [i, j] = [places.get(a) as number, places.get(b) as number];
    wins[i * n + j] = (wins[i * n + j] as number) + score;
    wins[j * n + i] = (wins[j * n + i] as number) + 1 - score;
  }
  return winRatesFromCounts(labels, wins, o.confidence === undefined ? {} : { confidence: o.confidence });
}

/**
 * Win rates from counts.
 * @param wins wins[i·n + j] how often i won against j, `[n·n]`, ≥ 0; for a tie add ½ to both
 * @param o.confidence of the intervals, in (0, 1); default .95
 * @throws DataError for a count that is negative, not finite or with its pair's above 2^53, or an array that is not square
 */
export function winRatesFromCounts(
  labels: readonly string[],
  wins: Float64Array,
  o: { confidence?: number } = {},
): WinRateMatrix {
  const n = labels.length;
  checkLabels(labels);
  const { confidence = 0.95 } = o;
  checkOpenShare('winRates, confidence', confidence);
  checkOption('winRates, contestants', n, n >= 1, 'at least one');
  if (wins.length !== n * n)
    throw new DataError({ where: 'winRates, wins', what: 'not square', got: wins.length, wanted: `${n} × ${n}` });
  for (const [at, x] of wins.entries()) {
    if (x >= 0 && x < Infinity) continue;
    const where = `winRates, wins of ${labels[Math.floor(at / n)]} against ${labels[at % n]}`;
    throw new DataError({ where, what: 'no count', got: x, wanted: 'a finite number ≥ 0' });
  }
  const half = (): Float64Array => new Float64Array(n * n).fill(0.5);
  const [p, low, high, samples] = [half(), half(), half(), new Float64Array(n * n)];
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const won = wins[i * n + j] as number;
      const total = won + (wins[j * n + i] as number);
      if (total > mostTrials) {
        const where = `winRates, wins of ${labels[i]} against ${labels[j]}`;
        throw new DataError({ where, what: 'too many to be counted', got: total, wanted: 'at most 2^53' });
      }
      const [from, to] = clopperPearson(won, total, confidence);
      const [here, there] = [i * n + j, j * n + i];
      [samples[here], samples[there]] = [total, total];
      if (total > 0) [p[here], p[there]] = [won / total, 1 - won / total];
      [low[here], high[here], low[there], high[there]] = [from, to, 1 - to, 1 - from];
    }
  }
  return { n, p, labels: [...labels], low, high, samples, confidence };
}

function checkLabels(labels: readonly string[]): void {
  const double = labels.find((label, i) => labels.indexOf(label) !== i);
  if (double !== undefined)
    throw new DataError({
      where: 'winRates, labels',
      what: 'two of one name',
      got: double,
      wanted: 'a name of its own each',
    });
}

// A win-rate matrix as data, with the ratings that follow from it.
import { cyclicShare, elo, exploitability, nashAverage, type PlayedMatrix } from '@gimbal/nash-md';

/** What is printed with --json. */
export interface MatrixResult {
  models: readonly string[];
  /** P(row ≻ column), with the ends of its interval */
  rates: readonly (readonly number[])[];
  low: readonly (readonly number[])[];
  high: readonly (readonly number[])[];
  comparisons: number;
  elo: readonly number[];
  nash: { weights: readonly number[]; skill: readonly number[] };
  /** of each model: what the best of the others wins against it beyond one half */
  exploitability: readonly number[];
  cyclicShare: number;
  /** null where one order was asked: the preference knows none */
  orderBias: number | null;
}

/** The strategy that plays one model. */
const alone = (i: number, n: number): Float64Array => Float64Array.from({ length: n }, (_, j) => (j === i ? 1 : 0));

/** @param comparisons of each pair */
export function resultOf(w: PlayedMatrix, comparisons: number): MatrixResult {
  const rows = (x: Float64Array): number[][] =>
    Array.from({ length: w.n }, (_, i) => [...x.subarray(i * w.n, (i + 1) * w.n)]);
  const { weights, skill } = nashAverage(w);
  return {
    models: w.labels,
    ...{ rates: rows(w.p), low: rows(w.low), high: rows(w.high), comparisons },
    elo: [...elo(w)],
    nash: { weights: [...weights], skill: [...skill] },
    exploitability: w.labels.map((_, i) => exploitability(w, alone(i, w.n))),
    cyclicShare: cyclicShare(w).share,
    orderBias: w.orderBias ?? null,
  };
}

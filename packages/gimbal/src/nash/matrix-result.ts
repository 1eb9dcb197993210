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
  cyclicShare: number;
  orderBias: number;
}

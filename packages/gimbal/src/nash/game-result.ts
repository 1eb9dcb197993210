/** What is printed with --json and stands in result.json. */
export interface GameResult {
  labels: readonly string[];
  preferences: readonly (readonly number[])[];
  reference: readonly number[];
  tau: number;
  solver: string;
  steps: number;
  /** last iterate, average of the iterates, exact equilibrium of the regularised game (τ > 0), a Nash equilibrium of P; null where there is none or it takes long */
  policy: readonly number[];
  average: readonly number[];
  exact: readonly number[] | null;
  nash: readonly number[] | null;
  gap: number;
  exploitability: number;
  klToExact: number | null;
  cyclicShare: number;
  curve: readonly { t: number; gap: number; exploitability: number; klToExact?: number; policy: readonly number[] }[];
}

/** The strategies there are, each with what it is called. */
export function strategiesOf(r: GameResult): { name: string; shares: readonly number[] }[] {
  const all: [string, readonly number[] | null][] = [
    ['reference', r.reference],
    ['policy', r.policy],
    ['equilibrium', r.exact],
    ['Nash, τ = 0', r.nash],
    ['average', r.average],
  ];
  return all.flatMap(([name, shares]) => (shares === null ? [] : [{ name, shares }]));
}

// How much the stages behind fine-tuning do: all that is worth doing, or, where the machine is slow or the minutes are few,
// what fits into a share of them.

/** What is chosen of them. */
export interface LaterWork {
  /** pairs of summaries that are labelled, on the newsroom */
  preferencePairs?: number;
  /** updates against each of three rewards, on the newsroom or of pairs of one's own */
  learnSteps?: number;
  /** updates of Nash-MD, on the newsroom */
  nashSteps?: number;
  /** updates of the student */
  distilSteps?: number;
}

/**
 * Of each: the share of the minutes that it may take, its work as a number of rows that a model is trained on in the same
 * time (measured on the size tiny, where native and wasm agree within a half), the most that is worth doing, and the least
 * that shows anything.
 */
const works: {
  readonly [K in keyof Required<LaterWork>]: { share: number; rows: number; most: number; least: number };
} = {
  preferencePairs: { share: 0.3, rows: 5, most: 1000, least: 64 },
  learnSteps: { share: 0.4, rows: 3 * 170, most: 100, least: 4 },
  nashSteps: { share: 0.3, rows: 450, most: 100, least: 4 },
  distilSteps: { share: 0.6, rows: 90, most: 2500, least: 20 },
};

/**
 * @param seconds that the run trains in
 * @param secondsPerRow of training
 * @param names which of them the run has
 */
export function laterWork(
  seconds: number,
  secondsPerRow: number,
  names: readonly (keyof LaterWork)[],
): { [K in keyof LaterWork]: number } {
  const fitting = (name: keyof LaterWork): number => {
    const { share, rows, most, least } = works[name];
    const n = (share * seconds) / (rows * secondsPerRow);
    // rounded, so that small differences of speed do not show
    const unit = n >= 200 ? 50 : n >= 40 ? 10 : 2;
    return Math.min(most, Math.max(least, unit * Math.floor(n / unit)));
  };
  return Object.fromEntries(names.map((name) => [name, fitting(name)]));
}

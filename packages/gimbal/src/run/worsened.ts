// Training that made a model worse on rows it has not seen.

/** a held-out loss this many times another is a rise, not noise */
export const worthTelling = 1.03;

/** Held-out losses: before training, of the model that is kept, and of the last step. */
export interface HeldOutLosses {
  /** undefined where training began with drawn weights */
  before?: number | undefined;
  best: { loss: number; step: number };
  last: { loss: number; step: number };
}

/** Says that training did no good, or did until a step; undefined where it did to the end. */
export function worsened({ before, best, last }: HeldOutLosses): string | undefined {
  if (before !== undefined && !(best.loss < before)) {
    return `held-out loss ${before.toFixed(4)} → ${best.loss.toFixed(4)}: no better than the model it started from`;
  }
  if (!(last.loss > worthTelling * best.loss)) return undefined;
  return `held-out loss was lowest at step ${best.step} of ${last.step} (${best.loss.toFixed(4)}) and rose to ${last.loss.toFixed(4)}: the model of step ${best.step} is kept`;
}

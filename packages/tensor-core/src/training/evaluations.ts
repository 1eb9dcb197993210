/**
 * The history of evaluations: which was the best, and whether it is time to stop. Saved with checkpoints.
 */
export interface EvaluationState {
  readonly history: readonly { readonly step: number; readonly loss: number | null }[];
  /** the lowest loss so far; ties keep the earlier */
  readonly best: { readonly step: number; readonly loss: number } | null;
  /** the loss that a later one has to undercut to count as progress, and evaluations since it was set */
  readonly progress: { readonly loss: number; readonly stale: number } | null;
}

export class Evaluations {
  #history: { step: number; loss: number | null }[] = [];
  #best: { step: number; loss: number } | null = null;
  #progress: { loss: number; stale: number } | null = null;

  constructor(private readonly early?: { patience: number; minDelta?: number }) {}

  /** Takes note of a loss; a NaN is never the best and counts as no progress. */
  add(step: number, loss: number): { isBest: boolean; stop: boolean } {
    const finite = Number.isFinite(loss);
    this.#history.push({ step, loss: finite ? loss : null });
    const isBest = finite && (this.#best === null || loss < this.#best.loss);
    if (isBest) this.#best = { step, loss };
    const progressed = finite && (this.#progress === null || loss < this.#progress.loss - (this.early?.minDelta ?? 0));
    if (progressed) this.#progress = { loss, stale: 0 };
    else if (this.#progress !== null) this.#progress.stale++;
    return { isBest, stop: this.isOver };
  }

  /** Whether as many evaluations as patience allows have brought nothing; a run that was stopped by it stays stopped. */
  get isOver(): boolean {
    return this.early !== undefined && (this.#progress?.stale ?? 0) >= this.early.patience;
  }

  /** The last evaluation. */
  get last(): { readonly step: number; readonly loss: number | null } | undefined {
    return this.#history.at(-1);
  }

  get best(): { readonly step: number; readonly loss: number } | null {
    return this.#best;
  }

  state(): EvaluationState {
    return { history: this.#history, best: this.#best, progress: this.#progress };
  }

  restore({ history, best, progress }: EvaluationState): void {
    this.#history = [...history];
    this.#best = best;
    this.#progress = progress === null ? null : { ...progress };
  }
}

/**
 * λ that begins low and rises when the student's loss on fixed completions does: when it no longer profits from them, it
 * writes more itself (DistiLLM's scheduler, arXiv 2402.03898, section 3.2).
 */

/** When λ rises, and by how much. */
export interface AdaptiveLambda {
  /** what is added to λ, in (0, 1]; λ is at most 1 */
  raise: number;
  /** how far an evaluation's loss has to be above the one before the last rise, ≥ 0 */
  tolerance: number;
}

interface ShareState {
  share: number;
  /** the loss that the next is compared with; none before the first evaluation */
  reference: number | null;
}

export class AdaptiveShare {
  readonly #o: AdaptiveLambda;
  #share: number;
  #reference: number | null = null;

  constructor(o: AdaptiveLambda, start: number) {
    this.#o = o;
    this.#share = start;
  }

  /** λ as it is. */
  get share(): number {
    return this.#share;
  }

  /** Takes note of an evaluation. As in the authors' code a lower loss does not move what later ones are compared with. */
  observe(loss: number): void {
    if (this.#reference === null) this.#reference = loss;
    else if (loss >= this.#reference + this.#o.tolerance) {
      this.#share = Math.min(1, this.#share + this.#o.raise);
      this.#reference = loss;
    }
  }

  state(): ShareState {
    return { share: this.#share, reference: this.#reference };
  }

  restore(state: unknown): void {
    const { share, reference } = state as ShareState;
    this.#share = share;
    this.#reference = reference;
  }
}

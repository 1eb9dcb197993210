// A run goes on with the rows it was trained on: others of the same number would pass unseen.
import { type BatchSource, CheckpointError, mapBatches } from '@gimbal/tensor-core';

/**
 * A source that keeps a name of its rows in its state, and refuses a state of other rows. One that was saved without a name
 * is taken.
 * @param name of the rows, from `NumberHash`
 */
export function knownRows<B>(source: BatchSource<B>, name: string): BatchSource<B> {
  return {
    ...mapBatches(source, (batch) => batch),
    state: () => ({ rows: name, at: source.state() }),
    restore(state) {
      const saved = state as { rows?: string; at?: unknown } | null;
      if (typeof saved?.rows !== 'string') {
        source.restore(state);
        return;
      }
      if (saved.rows !== name) {
        const fix = 'Resume with the rows of the run, or start a new run';
        throw new CheckpointError({ where: 'resume', what: 'the run was trained on other rows', fix });
      }
      source.restore(saved.at);
    },
  };
}

/** A name for lists of numbers, in their order: their float64 words, multiplied as FNV-1a does, in two halves of 32 bits. */
export class NumberHash {
  #low = 0x84222325;
  #high = 0xcbf29ce4;
  readonly #value = new Float64Array(1);
  readonly #words = new Uint32Array(this.#value.buffer);

  /** Adds a list, its length first, so that no two lists run into one. */
  add(list: ArrayLike<number>): this {
    this.#one(list.length);
    for (let i = 0; i < list.length; i++) this.#one(list[i] as number);
    return this;
  }

  /** Hexadecimal. */
  get name(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #one(value: number): void {
    this.#value[0] = value;
    for (const word of this.#words) {
      this.#low = Math.imul(this.#low ^ word, 0x01000193) ^ (this.#low >>> 15);
      this.#high = Math.imul(this.#high ^ word ^ (this.#low >>> 7), 0x01000193) ^ (this.#high >>> 13);
    }
  }
}

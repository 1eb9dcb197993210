// Noise for a whole rollout at once: a stream asked number by number costs more than the environment's bookkeeping.
import type { Rng } from '@gimbal/tensor-core';

/** Where actions are drawn from: a stream, or numbers that were drawn ahead. */
export type Draws = Pick<Rng, 'uniform' | 'normal'>;

/** Numbers of one kind, drawn ahead; a stream that was asked for more than it drew goes on with new ones. */
export class DrawsAhead implements Draws {
  #values = new Float32Array(0);
  #next = 0;
  #rng: Rng | undefined;

  constructor(private readonly kind: 'uniform' | 'normal') {}

  /**
   * Draws as many: those that the stream would give one by one, from its next block of four words on. Those that are left
   * over from before are dropped.
   */
  fill(rng: Rng, count: number): void {
    // of the two normal numbers of a pair of words, `normal()` gives the first
    const each = this.kind === 'uniform' ? 1 : 2;
    const drawn = each === 1 ? rng.uniformTensor([count]) : rng.normalTensor([count * each]);
    const values = drawn.dataSync<'float32'>();
    if (this.#values.length !== count) this.#values = new Float32Array(count);
    for (let i = 0; i < count; i++) this.#values[i] = values[i * each] as number;
    drawn.dispose();
    this.#next = 0;
    this.#rng = rng;
  }

  uniform(): number {
    return this.#take('uniform');
  }

  normal(): number {
    return this.#take('normal');
  }

  #take(kind: 'uniform' | 'normal'): number {
    if (kind !== this.kind || this.#next === this.#values.length) return (this.#rng as Rng)[kind]();
    return this.#values[this.#next++] as number;
  }
}

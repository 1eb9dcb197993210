/**
 * Running mean and variance by Chan's parallel update, in float64, with N in the denominator; and what agents normalise
 * with them. All of it is plain data: it goes into checkpoints.
 */
import { ShapeError } from '@gimbal/tensor-core';

export interface MomentsState {
  count: number;
  mean: number[];
  m2: number[];
}

export class RunningMoments {
  #count = 0;
  readonly mean: Float64Array;
  readonly #m2: Float64Array;

  constructor(readonly size: number) {
    this.mean = new Float64Array(size);
    this.#m2 = new Float64Array(size);
  }

  get count(): number {
    return this.#count;
  }

  /**
   * @param rows `[N·size]`
   * @param isSeen which of the N count; default all
   */
  update(rows: ArrayLike<number>, isSeen: (row: number) => boolean = () => true): void {
    const seen: number[] = [];
    for (let i = 0; i < rows.length / this.size; i++) if (isSeen(i)) seen.push(i);
    const n = seen.length;
    if (n === 0) return;
    const total = this.#count + n;
    for (let j = 0; j < this.size; j++) {
      let mean = 0;
      for (const i of seen) mean += (rows[i * this.size + j] as number) / n;
      let m2 = 0;
      for (const i of seen) m2 += ((rows[i * this.size + j] as number) - mean) ** 2;
      const delta = mean - (this.mean[j] as number);
      this.mean[j] = (this.mean[j] as number) + (delta * n) / total;
      this.#m2[j] = (this.#m2[j] as number) + m2 + (delta * delta * this.#count * n) / total;
    }
    this.#count = total;
  }

  /** 1 before anything was seen. */
  variance(j: number): number {
    return this.#count === 0 ? 1 : (this.#m2[j] as number) / this.#count;
  }

  state(): MomentsState {
    return { count: this.#count, mean: [...this.mean], m2: [...this.#m2] };
  }

  /** @throws ShapeError for the state of another size */
  restore({ count, mean, m2 }: MomentsState): void {
    if (mean.length !== this.size)
      throw new ShapeError({
        where: 'normaliser',
        what: 'the state is of another size',
        got: mean.length,
        wanted: String(this.size),
      });
    this.#count = count;
    this.mean.set(mean);
    this.#m2.set(m2);
  }
}

/** Observations to mean 0 and variance 1, within ±clip, in place; entries of `skip` stay (images). */
export function standardizeRows(
  moments: RunningMoments,
  rows: Float32Array,
  { clip = 10, skip }: { clip?: number; skip?: (j: number) => boolean } = {},
): void {
  const { size } = moments;
  for (let j = 0; j < size; j++) {
    if (skip?.(j)) continue;
    const mean = moments.mean[j] as number;
    const scale = 1 / Math.sqrt(moments.variance(j) + 1e-8);
    for (let i = j; i < rows.length; i += size)
      rows[i] = Math.min(Math.max(((rows[i] as number) - mean) * scale, -clip), clip);
  }
}

export interface ReturnScalerState {
  moments: MomentsState;
  running: number[];
}

/** Rewards divided by the deviation of the running discounted return (no mean is taken off), within ±clip. */
export class ReturnScaler {
  readonly #moments = new RunningMoments(1);
  readonly #running: Float64Array;

  constructor(
    numEnvs: number,
    private readonly gamma: number,
    private readonly clip = 10,
  ) {
    this.#running = new Float64Array(numEnvs);
  }

  /**
   * One step of every copy.
   * @param out `[N]`, the scaled rewards
   * @param counts which copies were paid; the others only reset, and nothing is learnt from them. Default all
   */
  scale(
    rewards: ArrayLike<number>,
    ended: (n: number) => boolean,
    out: Float32Array,
    counts: (n: number) => boolean = () => true,
  ): void {
    for (let n = 0; n < this.#running.length; n++)
      if (counts(n)) this.#running[n] = (this.#running[n] as number) * this.gamma + (rewards[n] as number);
    this.#moments.update(this.#running, counts);
    const by = 1 / Math.sqrt(this.#moments.variance(0) + 1e-8);
    for (let n = 0; n < this.#running.length; n++) {
      out[n] = Math.min(Math.max((rewards[n] as number) * by, -this.clip), this.clip);
      if (ended(n)) this.#running[n] = 0;
    }
  }

  /** Every copy begins a new episode. */
  reset(): void {
    this.#running.fill(0);
  }

  state(): ReturnScalerState {
    return { moments: this.#moments.state(), running: [...this.#running] };
  }

  restore({ moments, running }: ReturnScalerState): void {
    this.#moments.restore(moments);
    this.#running.set(running);
  }
}

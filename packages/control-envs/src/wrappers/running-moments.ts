/**
 * Mean and variance of a stream of vectors, in float64, by Chan et al.'s update: samples one by one or in batches give
 * the same numbers up to rounding. Constant elements have variance 0 and are normalised to 0, never to NaN.
 */
import { DataError } from '@gimbal/tensor-core';
import { clamp } from '../base/angles.ts';

/** Plain JSON. */
export interface MomentsState {
  /** vectors seen */
  count: number;
  /** of each element */
  mean: number[];
  /** sum of squared distances from the mean */
  squares: number[];
}

/** Mean and variance of each element of the vectors seen so far. */
export class RunningMoments {
  /** Elements of a vector. */
  readonly size: number;
  /** Vectors seen. */
  count = 0;
  /** Of each element. */
  readonly mean: Float64Array;
  readonly #squares: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.mean = new Float64Array(size);
    this.#squares = new Float64Array(size);
  }

  /**
   * Takes in one vector or several.
   * @param rows `[n * size]` samples
   */
  update(rows: ArrayLike<number>): void {
    const n = rows.length / this.size;
    if (!Number.isInteger(n)) {
      const wanted = `a multiple of ${this.size}`;
      throw new DataError({ where: 'RunningMoments.update', what: 'no whole rows', got: rows.length, wanted });
    }
    if (n === 0) return;
    const total = this.count + n;
    for (let i = 0; i < this.size; i++) {
      let mean = 0;
      for (let r = 0; r < n; r++) mean += rows[r * this.size + i] as number;
      mean /= n;
      let squares = 0;
      for (let r = 0; r < n; r++) squares += ((rows[r * this.size + i] as number) - mean) ** 2;
      const away = mean - (this.mean[i] as number);
      this.mean[i] = (this.mean[i] as number) + (away * n) / total;
      this.#squares[i] = (this.#squares[i] as number) + squares + (away ** 2 * this.count * n) / total;
    }
    this.count = total;
  }

  /** Of the samples seen (not the population's estimate); 0 before any. */
  variance(i: number): number {
    return this.count === 0 ? 0 : (this.#squares[i] as number) / this.count;
  }

  /** `(x − mean) / √(variance + ε)`, clipped; `out` may be `rows` itself. */
  normalize(rows: ArrayLike<number>, out: Float32Array | Float64Array, epsilon: number, clip: number): void {
    for (let column = 0; column < this.size; column++) {
      const mean = this.mean[column] as number;
      const spread = Math.sqrt(this.variance(column) + epsilon);
      for (let i = column; i < rows.length; i += this.size) {
        out[i] = clamp(((rows[i] as number) - mean) / spread, -clip, clip);
      }
    }
  }

  /** The statistics, as plain JSON; `load` continues from them. */
  state(): MomentsState {
    return { count: this.count, mean: [...this.mean], squares: [...this.#squares] };
  }

  /** The statistics as `2 size + 1` numbers, for `loadNumbers`. */
  numbers(): number[] {
    return [this.count, ...this.mean, ...this.#squares];
  }

  /** Continues from what `numbers` returned. */
  loadNumbers(numbers: Float64Array): void {
    const { size } = this;
    const [mean, squares] = [numbers.subarray(1, 1 + size), numbers.subarray(1 + size)];
    this.load({ count: numbers[0] as number, mean: [...mean], squares: [...squares] });
  }

  /**
   * Continues from what `state` returned.
   * @throws DataError if the state is of another size
   */
  load(state: MomentsState): void {
    const { count, mean, squares } = state ?? {};
    const where = 'RunningMoments.load';
    if (!(Number.isFinite(count) && count >= 0 && Array.isArray(mean) && Array.isArray(squares))) {
      throw new DataError({ where, what: 'not saved statistics', got: state, wanted: '{ count, mean, squares }' });
    }
    if (mean.length !== this.size || squares.length !== this.size) {
      throw new DataError({ where, what: 'other size', got: mean.length, wanted: this.size });
    }
    const bad = [...mean, ...squares.map((x) => (x >= 0 ? x : Number.NaN))].find((x) => !Number.isFinite(x));
    if (bad !== undefined) throw new DataError({ where, what: 'not finite numbers, squares from 0', got: bad });
    this.count = count;
    this.mean.set(mean);
    this.#squares.set(squares);
  }
}

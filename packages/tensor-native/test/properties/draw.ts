// Random tensors for the property tests: shapes and choices come from fast-check (and shrink), values from a seed.
import { type DataType, type Tensor, tensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';

/** A tensor to be made on each backend. */
export interface Spec {
  shape: number[];
  dtype: DataType;
  values: number[];
}

export interface ValueOptions {
  low?: number;
  high?: number;
  dtype?: 'float32' | 'int32' | 'bool';
  /** Share of NaN, infinities and zeros among the values. */
  special?: number;
}

const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0];

export class Draw {
  readonly #generate: fc.GeneratorValue;

  constructor(generate: fc.GeneratorValue) {
    this.#generate = generate;
  }

  int(min: number, max: number): number {
    return this.#generate(fc.integer, { min, max });
  }

  flag(): boolean {
    return this.#generate(fc.boolean);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.int(0, choices.length - 1)] as T;
  }

  /** A shape; `min` of 0 lets empty tensors through. Larger ranks get smaller dimensions. */
  shape(ranks: [number, number], o: { min?: number; max?: number } = {}): number[] {
    const rank = this.int(...ranks);
    const max = o.max ?? [50, 600, 40, 12, 6, 4, 3, 3][rank] ?? 2;
    return Array.from({ length: rank }, () => this.int(o.min ?? 1, max));
  }

  /** A shape that broadcasts with `shape`: some dimensions 1, some leading ones left out. */
  broadcastable(shape: readonly number[]): number[] {
    return shape.map((dim) => (this.flag() ? dim : 1)).slice(this.int(0, shape.length));
  }

  /** Some of the axes of a rank, at least one unless the rank is 0. */
  axes(rank: number): number[] {
    const chosen = Array.from({ length: rank }, (_, i) => i).filter(() => this.flag());
    return chosen.length > 0 || rank === 0 ? chosen : [this.int(0, rank - 1)];
  }

  values(shape: number[], o: ValueOptions = {}): Spec {
    const { low = -2, high = 2, dtype = 'float32', special = 0 } = o;
    let state = this.int(0, 2 ** 31 - 1);
    const next = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const size = shape.reduce((product, dim) => product * dim, 1);
    const value = (): number => {
      if (dtype === 'bool') return Number(next() < 0.5);
      if (dtype === 'int32') return Math.floor(low + next() * (high - low + 1));
      return special > 0 && next() < special
        ? (SPECIAL[Math.floor(next() * SPECIAL.length)] as number)
        : Math.fround(low + next() * (high - low));
    };
    return { shape, dtype, values: Array.from({ length: size }, value) };
  }
}

export function make({ shape, dtype, values }: Spec): Tensor {
  return tensor(values, shape, dtype);
}

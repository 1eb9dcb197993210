// Plain loops over float64 arrays, from which the table's reference implementations are made. Nothing here is shared with
// the ops: that is the point.

import type { Activation } from '../activations.ts';
import type { Nd } from './types.ts';

export const nd = (shape: readonly number[], data: ArrayLike<number>): Nd => ({ shape, data: Float64Array.from(data) });

export const zerosNd = (shape: readonly number[]): Nd => ({ shape, data: new Float64Array(sizeNd(shape)) });

const sizeNd = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const mapNd = (x: Nd, f: (value: number, index: number) => number): Nd => ({
  shape: x.shape,
  data: x.data.map(f),
});

export const at = (data: ArrayLike<number>, i: number): number => data[i] as number;

export const dim = (x: Nd, axis: number): number => x.shape[axis < 0 ? x.shape.length + axis : axis] as number;

/** x [R,K] (any shape ending in K) times w [K,N], or wᵀ of w [N,K]. */
export function product(x: Nd, w: Nd, transposed = false): Nd {
  const k = dim(x, -1);
  const n = transposed ? dim(w, 0) : dim(w, 1);
  const out = zerosNd([...x.shape.slice(0, -1), n]);
  for (let r = 0; r < out.data.length / Math.max(1, n); r++)
    for (let j = 0; j < n; j++) {
      let s = 0;
      for (let i = 0; i < k; i++) s += at(x.data, r * k + i) * at(w.data, transposed ? j * k + i : i * n + j);
      out.data[r * n + j] = s;
    }
  return out;
}

/** x plus a vector along its last axis. */
export const plusVector = (x: Nd, b: Nd | undefined): Nd =>
  b === undefined ? x : mapNd(x, (v, i) => v + at(b.data, i % b.data.length));

export const plus = (x: Nd, y: Nd | undefined): Nd => (y === undefined ? x : mapNd(x, (v, i) => v + at(y.data, i)));

/** erf by its Taylor series, and from 3 on by its continued fraction. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 3) {
    let f = 0;
    for (let i = 60; i > 0; i--) f = i / 2 / (a + f);
    const tail = Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + f));
    return Math.sign(x) * (1 - tail);
  }
  let term = x;
  let total = x;
  for (let n = 1; n < 80; n++) {
    term *= (-x * x) / n;
    total += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * total;
}

export function act(x: number, activation: Activation): number {
  switch (activation) {
    case 'linear':
      return x;
    case 'relu':
      return Math.max(x, 0);
    case 'gelu':
      return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
    case 'gelu-erf':
      return 0.5 * x * (1 + erf(x / Math.SQRT2));
    case 'silu':
      return x / (1 + Math.exp(-x));
    case 'tanh':
      return Math.tanh(x);
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x));
    case 'elu':
      return x > 0 ? x : Math.expm1(x);
    case 'softplus':
      return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
  }
}

/** log Σ exp over a slice of numbers; −∞ for none. */
export function logSumExp(values: readonly number[]): number {
  const top = Math.max(...values);
  if (top === Number.NEGATIVE_INFINITY) return top;
  return top + Math.log(values.reduce((s, v) => s + Math.exp(v - top), 0));
}

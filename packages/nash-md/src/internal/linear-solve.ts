// A x = b in float64 by elimination with partial pivoting; both arguments are used up.
import { NumericalError } from '@gimbal/tensor-core';

/**
 * Solves A x = b.
 * @param a row-major `[n·n]`, overwritten
 * @param b `[n]`, overwritten by x
 * @returns b
 * @throws NumericalError where A is singular
 */
export function solveInPlace(a: Float64Array, b: Float64Array, where: string): Float64Array {
  const n = b.length;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++)
      if (Math.abs(a[i * n + k] as number) > Math.abs(a[pivot * n + k] as number)) pivot = i;
    const top = a[pivot * n + k] as number;
    if (top === 0 || !Number.isFinite(top))
      throw new NumericalError({ where, what: 'the linear system is singular', got: top, wanted: 'a pivot ≠ 0' });
    if (pivot !== k) {
      for (let j = k; j < n; j++) swap(a, pivot * n + j, k * n + j);
      swap(b, pivot, k);
    }
    for (let i = k + 1; i < n; i++) {
      const factor = (a[i * n + k] as number) / top;
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) a[i * n + j] = (a[i * n + j] as number) - factor * (a[k * n + j] as number);
      b[i] = (b[i] as number) - factor * (b[k] as number);
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    let v = b[i] as number;
    for (let j = i + 1; j < n; j++) v -= (a[i * n + j] as number) * (b[j] as number);
    b[i] = v / (a[i * n + i] as number);
  }
  return b;
}

function swap(x: Float64Array, i: number, j: number): void {
  const held = x[i] as number;
  x[i] = x[j] as number;
  x[j] = held;
}

/** Linear systems in float64: LU with partial pivoting, and its residual looked at. */
import { NumericalError } from '@gimbal/tensor-core';

/** A factorised matrix: solve it, or its transpose, for any right-hand side. */
export interface LinearSystem {
  /** x with M x = b */
  solve(b: Float64Array): Float64Array;
  /** x with Mᵀ x = b */
  solveTransposed(b: Float64Array): Float64Array;
}

/**
 * Factorises M = Pᵀ L U.
 * @param matrix row-major `[n·n]`, not changed
 * @throws NumericalError where M is singular, or a solution's residual is larger than rounding explains
 */
export function linearSystem(matrix: Float64Array, n: number): LinearSystem {
  const lu = matrix.slice();
  const order = Int32Array.from({ length: n }, (_, i) => i);
  const at = (i: number, j: number): number => lu[i * n + j] as number;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(at(i, k)) > Math.abs(at(pivot, k))) pivot = i;
    if (at(pivot, k) === 0 || !Number.isFinite(at(pivot, k))) throw singular(k);
    if (pivot !== k) swapRows(lu, order, n, pivot, k);
    for (let i = k + 1; i < n; i++) {
      const factor = at(i, k) / at(k, k);
      lu[i * n + k] = factor;
      if (factor === 0) continue;
      for (let j = k + 1; j < n; j++) lu[i * n + j] = at(i, j) - factor * at(k, j);
    }
  }
  return {
    solve(b) {
      const x = Float64Array.from(order, (row) => b[row] as number);
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) x[i] = (x[i] as number) - at(i, j) * (x[j] as number);
      for (let i = n - 1; i >= 0; i--) {
        let v = x[i] as number;
        for (let j = i + 1; j < n; j++) v -= at(i, j) * (x[j] as number);
        x[i] = v / at(i, i);
      }
      checkResidual(matrix, n, x, b, false);
      return x;
    },
    solveTransposed(b) {
      // Uᵀ y = b, Lᵀ w = y, x = Pᵀ w
      const y = b.slice();
      for (let i = 0; i < n; i++) {
        let v = y[i] as number;
        for (let j = 0; j < i; j++) v -= at(j, i) * (y[j] as number);
        y[i] = v / at(i, i);
      }
      for (let i = n - 1; i >= 0; i--)
        for (let j = i + 1; j < n; j++) y[i] = (y[i] as number) - at(j, i) * (y[j] as number);
      const x = new Float64Array(n);
      for (let i = 0; i < n; i++) x[order[i] as number] = y[i] as number;
      checkResidual(matrix, n, x, b, true);
      return x;
    },
  };
}

function swapRows(lu: Float64Array, order: Int32Array, n: number, a: number, b: number): void {
  for (let j = 0; j < n; j++) {
    const held = lu[a * n + j] as number;
    lu[a * n + j] = lu[b * n + j] as number;
    lu[b * n + j] = held;
  }
  const held = order[a] as number;
  order[a] = order[b] as number;
  order[b] = held;
}

/** ‖Mx − b‖∞ ≤ 1e-9 (‖M‖∞ ‖x‖∞ + ‖b‖∞) */
function checkResidual(m: Float64Array, n: number, x: Float64Array, b: Float64Array, transposed: boolean): void {
  let [worst, size, norm, right] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    let [row, absolute] = [0, 0];
    for (let j = 0; j < n; j++) {
      const e = m[transposed ? j * n + i : i * n + j] as number;
      row += e * (x[j] as number);
      absolute += Math.abs(e);
    }
    worst = Math.max(worst, Math.abs(row - (b[i] as number)));
    norm = Math.max(norm, absolute);
    size = Math.max(size, Math.abs(x[i] as number));
    right = Math.max(right, Math.abs(b[i] as number));
  }
  if (worst <= 1e-9 * (norm * size + right)) return;
  throw new NumericalError({
    where: 'linearSystem',
    what: 'the solution is not accurate: its residual',
    got: worst,
    wanted: `at most ${1e-9 * (norm * size + right)}`,
    fix: 'The matrix is close to singular: use a smaller discount',
  });
}

function singular(column: number): NumericalError {
  return new NumericalError({
    where: 'linearSystem',
    what: `the matrix is singular: no pivot in column ${column}`,
    fix: 'With a discount below 1, I − γP never is: look for NaN in the transitions',
  });
}

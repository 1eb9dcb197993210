/**
 * A Nash equilibrium of the unregularised game by linear programming. Every entry of B = P + 1 is positive, so that
 *
 *   maximise Σ y   subject to   B y ≤ 1, y ≥ 0
 *
 * has a solution with Σ y = 1/v, v the value of B; π = v y then keeps every opponent at ½: P π ≤ ½. Solved by the
 * simplex method on the dense tableau, which starts feasible at y = 0.
 */
import { NumericalError } from '@gimbal/tensor-core';
import { checkPreferences, type PreferenceMatrix } from '../games/preference-matrix.ts';

/** An equilibrium and what it wins. */
export interface NashSolution {
  /** π `[n]`; where there are several equilibria, a vertex of the set of them */
  policy: Float64Array;
  /** min over opponents of P(π ≻ ·): ½ up to rounding, since the game is symmetric */
  value: number;
}

/** Below this a coefficient of the tableau is 0. */
const epsilon = 1e-11;

/**
 * A policy that no other beats: P(π ≻ π') ≥ ½ for every π'.
 * @throws DataError for what is no preference matrix
 * @example solveNashLP(preferenceGames.cyclic(0.9)).policy // ⅓, ⅓, ⅓
 */
export function solveNashLP(P: PreferenceMatrix): NashSolution {
  checkPreferences(P);
  const y = maximise(P);
  const total = y.reduce((a, b) => a + b, 0);
  const policy = y.map((v) => Math.max(0, v) / total);
  let value = 1;
  for (let i = 0; i < P.n; i++) {
    let wins = 0;
    for (let j = 0; j < P.n; j++) wins += (P.p[i * P.n + j] as number) * (policy[j] as number);
    value = Math.min(value, 1 - wins);
  }
  return { policy, value };
}

function maximise({ n, p }: PreferenceMatrix): Float64Array {
  // rows 0…n−1: [B | I | 1]; row n: [−1 … | 0 | 0], its entries the reduced costs
  const width = 2 * n + 1;
  const t = new Float64Array((n + 1) * width);
  const basis = Int32Array.from({ length: n }, (_, i) => n + i);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) t[i * width + j] = (p[i * n + j] as number) + 1;
    t[i * width + n + i] = 1;
    t[i * width + width - 1] = 1;
    t[n * width + i] = -1;
  }
  const most = 50 * n + 1000;
  for (let pivots = 0; ; pivots++) {
    // the largest gain first; the first gain (Bland's rule, which never cycles) once that may be cycling
    const column = entering(t, n, width, pivots > most / 2);
    if (column < 0) break;
    const row = leaving(t, n, width, column, basis);
    if (row < 0 || pivots > most)
      throw new NumericalError({ where: 'solveNashLP', what: 'the simplex method does not end', got: pivots });
    pivot(t, n, width, row, column);
    basis[row] = column;
  }
  const y = new Float64Array(n);
  for (const [i, variable] of basis.entries()) if (variable < n) y[variable] = t[i * width + width - 1] as number;
  return y;
}

function entering(t: Float64Array, n: number, width: number, first: boolean): number {
  let best = -1;
  for (let j = 0; j < 2 * n; j++) {
    const cost = t[n * width + j] as number;
    if (cost >= -epsilon) continue;
    if (first) return j;
    if (best < 0 || cost < (t[n * width + best] as number)) best = j;
  }
  return best;
}

function leaving(t: Float64Array, n: number, width: number, column: number, basis: Int32Array): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < n; i++) {
    const a = t[i * width + column] as number;
    if (a <= epsilon) continue;
    const ratio = (t[i * width + width - 1] as number) / a;
    if (ratio < least || (ratio === least && (basis[i] as number) < (basis[best] as number)))
      [best, least] = [i, ratio];
  }
  return best;
}

function pivot(t: Float64Array, n: number, width: number, row: number, column: number): void {
  const scale = 1 / (t[row * width + column] as number);
  for (let j = 0; j < width; j++) t[row * width + j] = (t[row * width + j] as number) * scale;
  for (let i = 0; i <= n; i++) {
    const factor = t[i * width + column] as number;
    if (i === row || factor === 0) continue;
    for (let j = 0; j < width; j++)
      t[i * width + j] = (t[i * width + j] as number) - factor * (t[row * width + j] as number);
  }
}

/**
 * The equilibrium π* ∝ μ exp(Pπ* / τ) of the regularised game, by Newton's method on its logits. Shares nothing with the
 * iterative solvers, which are measured against it.
 *
 *   F(z) = C (z − log μ − Pπ/τ) = 0,   π = softmax(z),   C = I − 11ᵀ/n
 *   J(z) = C (I − P (diag π − ππᵀ)/τ) + 11ᵀ/n
 *
 * from τ₀ = max(10, τ), where π is close to μ, down to τ over 60 geometric values, each started from the one before; a
 * step is halved while it does not shrink ‖F‖∞.
 */
import { checkCount, checkKnown, checkPositive, NumericalError } from '@gimbal/tensor-core';
import { checkGame, type RegularizedGame } from '../games/regularized-game.ts';
import { solveInPlace } from '../internal/linear-solve.ts';
import { largest, multiply, softmax } from '../internal/vectors.ts';

/** How nearly, and how long. */
export interface ExactOptions {
  /** largest |F| that is accepted; default 1e-12, more where rounding alone is more: 1e-14 n/τ */
  tol?: number;
  /** Newton steps at each of the 60 values; default 50 */
  maxIter?: number;
}

/** An equilibrium, and how nearly. */
export interface ExactSolution {
  /** π* `[n]` */
  policy: Float64Array;
  /** ‖F‖∞ there */
  residual: number;
}

const values = 60;

/**
 * The regularised Nash equilibrium of a game with up to a few hundred responses.
 * @returns π*, which is unique, and the residual of its fixed-point equation in logits
 * @throws DataError for what is no game, ConfigError for τ ≤ 0, NumericalError if the residual stays above `tol`
 * @example solveExact(regularizedGame(preferenceGames.cyclic(1), 0.1, [0.7, 0.2, 0.1])).policy // .417, .211, .372
 */
export function solveExact(g: RegularizedGame, o: ExactOptions = {}): ExactSolution {
  checkGame(g, { unregularised: false });
  checkKnown('solveExact', o, ['tol', 'maxIter']);
  const inside = Array.from(g.ref.keys()).filter((i) => (g.ref[i] as number) > 0);
  const n = inside.length;
  const { tol = Math.max(1e-12, (1e-14 * n) / g.tau), maxIter = 50 } = o;
  checkPositive('solveExact, tol', tol);
  checkCount('solveExact, maxIter', maxIter);
  // responses that the reference excludes are out of the game
  const p = new Float64Array(n * n);
  for (const [a, i] of inside.entries())
    for (const [b, j] of inside.entries()) p[a * n + b] = g.P.p[i * g.P.n + j] as number;
  const logRef = Float64Array.from(inside, (i) => Math.log(g.ref[i] as number));
  const newton = new Newton(p, logRef);
  const first = Math.max(10, g.tau);
  let z: Float64Array = logRef;
  let residual = Number.POSITIVE_INFINITY;
  for (let k = 0; k < values; k++) {
    const tau = k === values - 1 ? g.tau : first * (g.tau / first) ** (k / (values - 1));
    ({ z, residual } = newton.solve(z, tau, maxIter, tol));
  }
  if (!(residual <= tol)) {
    throw new NumericalError({
      where: 'solveExact',
      what: 'Newton’s method did not reach the tolerance: its residual',
      got: residual,
      wanted: `at most ${tol}`,
      fix: 'Give a larger tol, or a larger tau',
    });
  }
  const policy = new Float64Array(g.P.n);
  for (const [a, x] of softmax(z).entries()) policy[inside[a] as number] = x;
  return { policy, residual };
}

class Newton {
  readonly #n: number;
  readonly #j: Float64Array;

  constructor(
    readonly p: Float64Array,
    readonly logRef: Float64Array,
  ) {
    this.#n = logRef.length;
    this.#j = new Float64Array(p.length);
  }

  solve(start: Float64Array, tau: number, maxIter: number, tol: number): { z: Float64Array; residual: number } {
    let z = start;
    let f = this.#residual(z, tau);
    let residual = largest(f);
    for (let k = 0; k < maxIter && residual > 1e-3 * tol; k++) {
      const step = solveInPlace(this.#jacobian(z, tau), f, 'solveExact');
      let better = false;
      for (let size = 1; size > 1e-9 && !better; size /= 2) {
        const next = z.map((v, i) => v - size * (step[i] as number));
        const fNext = this.#residual(next, tau);
        const size2 = largest(fNext);
        if (!(size2 < residual)) continue;
        [z, f, residual, better] = [next, fNext, size2, true];
      }
      if (!better) break; // as small as rounding lets it be
    }
    return { z, residual };
  }

  /** C (z − log μ − Pπ/τ) */
  #residual(z: Float64Array, tau: number): Float64Array {
    const values = multiply(this.p, softmax(z));
    const f = z.map((v, i) => v - (this.logRef[i] as number) - (values[i] as number) / tau);
    const mean = f.reduce((a, b) => a + b, 0) / f.length;
    return f.map((v) => v - mean);
  }

  #jacobian(z: Float64Array, tau: number): Float64Array {
    const [n, j] = [this.#n, this.#j];
    const pi = softmax(z);
    const values = multiply(this.p, pi);
    // I − P (diag π − ππᵀ)/τ: column k is e_k − π_k (P e_k − Pπ)/τ
    for (let i = 0; i < n; i++)
      for (let k = 0; k < n; k++)
        j[i * n + k] =
          (i === k ? 1 : 0) - ((pi[k] as number) * ((this.p[i * n + k] as number) - (values[i] as number))) / tau;
    for (let k = 0; k < n; k++) {
      let mean = 0;
      for (let i = 0; i < n; i++) mean += j[i * n + k] as number;
      mean /= n;
      for (let i = 0; i < n; i++) j[i * n + k] = (j[i * n + k] as number) - mean + 1 / n;
    }
    return j;
  }
}

/**
 * The constrained inner loop: maximise 𝒥 subject to 𝒞 ≤ δ. The direction is u = H⁺g, H the Hessian of 𝒞 (one block per
 * state), the first trial √(2δ/uᵀHu), then backtracking until 𝒥 does not fall and 𝒞 ≤ δ.
 */
import { ConfigError } from '@gimbal/tensor-core';
import type { TabularMethod, TabularSurrogate } from './methods.ts';
import { expInto, logSoftmaxRows } from './softmax.ts';
import { type Anchor, klOfRow, type Point } from './surrogate-terms.ts';
import { pseudoSolve } from './symmetric.ts';

/** Natural-gradient steps under a bound on the divergence, as TRPO takes them. */
export interface ConstrainedInner {
  kind: 'constrained';
  /** δ: the most that 𝒞 may be */
  delta: number;
  /** m */
  steps: number;
}

const shrink = 0.9;
const mostTrials = 1000;
const largestAlpha = 1e5;
/** states that are visited less get no direction */
const leastVisits = 1e-14;

/** Methods with a divergence that can be a constraint. */
const constrainedMethods = ['smdpo', 'trpo', 'mdpo'] as const;

/** @throws ConfigError for a method without such a divergence */
export function checkConstrained(method: TabularMethod): void {
  if ((constrainedMethods as readonly string[]).includes(method)) return;
  throw new ConfigError({
    where: 'inner.kind',
    what: `${method} has no divergence to constrain`,
    wanted: `one of ${constrainedMethods.join(', ')}`,
  });
}

/** m steps of a method that `checkConstrained` takes; ends early where no trial is accepted. `z` is changed. */
export function constrainedAscent(
  method: TabularMethod,
  { linear, proximity }: TabularSurrogate,
  anchor: Anchor,
  z: Float64Array,
  { delta, steps }: ConstrainedInner,
): void {
  checkConstrained(method);
  if (proximity === undefined) return; // of the methods that are taken none lacks it
  const size = z.length;
  const [logP, gradient, trial] = [new Float64Array(size), new Float64Array(size), new Float64Array(size)];
  const point = { p: new Float64Array(size), logRatio: new Float64Array(size) };
  const at = (x: Float64Array): Point => {
    logSoftmaxRows(x, anchor.A, logP);
    expInto(logP, point.p);
    for (let i = 0; i < size; i++) point.logRatio[i] = (logP[i] as number) - (anchor.logP[i] as number);
    return point;
  };
  for (let k = 0; k < steps; k++) {
    const here = at(z);
    const before = linear.value(anchor, here);
    gradient.fill(0);
    linear.addGradient(anchor, here, 1, gradient);
    const { direction, curvature } = newtonDirection(method, anchor, here, gradient);
    if (!(curvature > 0)) return;
    let alpha = Math.min(Math.sqrt((2 * delta) / curvature), largestAlpha);
    let accepted = false;
    for (let t = 0; t < mostTrials && !accepted; t++) {
      for (let i = 0; i < size; i++) trial[i] = (z[i] as number) + alpha * (direction[i] as number);
      const there = at(trial);
      accepted = linear.value(anchor, there) >= before && proximity.value(anchor, there) <= delta;
      if (!accepted) alpha *= shrink;
    }
    if (!accepted) return;
    z.set(trial);
  }
}

/** u = H⁺g and uᵀHu = uᵀg. */
function newtonDirection(
  method: TabularMethod,
  anchor: Anchor,
  point: Point,
  gradient: Float64Array,
): { direction: Float64Array; curvature: number } {
  const { A, d } = anchor;
  const direction = new Float64Array(gradient.length);
  const h = new Float64Array(A * A);
  let curvature = 0;
  for (let s = 0; s < d.length; s++) {
    const weight = d[s] as number;
    if (weight < leastVisits) continue;
    fillHessian(method, anchor, point, s * A, weight, h);
    const g = gradient.subarray(s * A, (s + 1) * A);
    const u = pseudoSolve(h, g, A);
    for (let a = 0; a < A; a++) curvature += (u[a] as number) * (g[a] as number);
    direction.set(u, s * A);
  }
  return { direction, curvature };
}

/** d(diag p − ppᵀ); for the reverse KL d(diag T − pTᵀ − Tpᵀ + ppᵀ), T = p ⊙ (log ρ − KL(p ‖ p_t) + 1). */
function fillHessian(
  method: TabularMethod,
  anchor: Anchor,
  point: Point,
  at: number,
  d: number,
  h: Float64Array,
): void {
  const { A } = anchor;
  const kl = method === 'mdpo' ? klOfRow(anchor, point, at) : 0;
  const p = (a: number): number => point.p[at + a] as number;
  const t = (a: number): number => (method === 'mdpo' ? p(a) * ((point.logRatio[at + a] as number) - kl + 1) : p(a));
  for (let a = 0; a < A; a++) {
    for (let b = 0; b < A; b++) {
      const off = method === 'mdpo' ? p(a) * p(b) - p(a) * t(b) - t(a) * p(b) : -p(a) * p(b);
      h[a * A + b] = d * (off + (a === b ? t(a) : 0));
    }
  }
}

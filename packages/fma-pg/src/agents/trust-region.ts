/**
 * The natural-gradient step of TRPO (arXiv 1502.05477) and NPG: conjugate gradients for H u = g, H the Hessian of
 * KL(p_t ‖ p_θ) at θ_t, then √(2δ/uᵀHu) along u; TRPO shrinks that until the surrogate rises and the KL is at most δ.
 * Products with H are differences of the KL's gradient on both sides of θ_t, where it is 0: no second derivatives.
 */
import { flatten, type Params, valueAndGrad } from '@gimbal/tensor-core';
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { scoped } from '../internal/scoped.ts';
import { assignValues } from './snapshot.ts';

export interface TrustRegionOptions {
  delta: number;
  cgIterations: number;
  damping: number;
  shrink: number;
  backtracks: number;
  lineSearch: boolean;
}

export interface TrustRegionResult {
  gradNorm: number;
  /** false: no trial was accepted, the policy is as it was */
  accepted: boolean;
}

/**
 * One step, in place.
 * @param policy variables
 * @param loss to be minimised (−the linear term)
 * @param divergence mean KL(p_t ‖ p_θ)
 */
export function trustRegionStep(
  policy: Params,
  loss: (policy: Params) => Scalar,
  divergence: (policy: Params) => Scalar,
  o: TrustRegionOptions,
): TrustRegionResult {
  const leaves = flatten(policy).map(([, v]) => v as Variable);
  const start = vectorOf(leaves);
  const gradientOf = (f: (policy: Params) => Scalar): Float64Array =>
    scoped(() => vectorOf(flatten(valueAndGrad(f)(policy).grads).map(([, t]) => t)));
  const valueOfLoss = (f: (policy: Params) => Scalar): number =>
    scoped(() => f(policy).dataSync<'float32'>()[0] as number);
  const before = valueOfLoss(loss);
  const g = gradientOf(loss).map((x) => -x);
  const gradNorm = norm(g);
  if (gradNorm < 1e-12) return { gradNorm, accepted: false };

  const product = (v: Float64Array): Float64Array => {
    const h = 1e-2 / Math.max(norm(v), 1e-12);
    write(leaves, start, v, h);
    const ahead = gradientOf(divergence);
    write(leaves, start, v, -h);
    const behind = gradientOf(divergence);
    return ahead.map((x, i) => (x - (behind[i] as number)) / (2 * h) + o.damping * (v[i] as number));
  };
  const u = conjugateGradients(product, g, o.cgIterations);
  const curvature = dot(u, product(u));
  let scale = Math.sqrt((2 * o.delta) / Math.max(curvature, 1e-12));
  write(leaves, start, u, scale);
  if (!o.lineSearch) return { gradNorm, accepted: true };
  for (let trial = 0; trial < o.backtracks; trial++) {
    if (valueOfLoss(loss) < before && valueOfLoss(divergence) <= o.delta) return { gradNorm, accepted: true };
    scale *= o.shrink;
    write(leaves, start, u, scale);
  }
  write(leaves, start, u, 0);
  return { gradNorm, accepted: false };
}

/** x with H x = b, by Hestenes and Stiefel; H as a product, symmetric positive definite. */
export function conjugateGradients(
  product: (v: Float64Array) => Float64Array,
  b: Float64Array,
  iterations: number,
  tolerance = 1e-10,
): Float64Array {
  const x = new Float64Array(b.length);
  const r = b.slice();
  const p = b.slice();
  let rr = dot(r, r);
  for (let k = 0; k < iterations && rr > tolerance; k++) {
    const hp = product(p);
    const alpha = rr / dot(p, hp);
    for (let i = 0; i < x.length; i++) {
      x[i] = (x[i] as number) + alpha * (p[i] as number);
      r[i] = (r[i] as number) - alpha * (hp[i] as number);
    }
    const next = dot(r, r);
    for (let i = 0; i < p.length; i++) p[i] = (r[i] as number) + (next / rr) * (p[i] as number);
    rr = next;
  }
  return x;
}

function vectorOf(leaves: readonly Tensor[]): Float64Array {
  const out = new Float64Array(leaves.reduce((n, t) => n + t.size, 0));
  let at = 0;
  for (const t of leaves) {
    out.set(t.dataSync<'float32'>(), at);
    at += t.size;
  }
  return out;
}

/** θ ← start + scale·direction */
function write(leaves: readonly Variable[], start: Float64Array, direction: Float64Array, scale: number): void {
  let at = 0;
  for (const v of leaves) {
    const values = new Float32Array(v.size);
    for (let i = 0; i < v.size; i++) values[i] = (start[at + i] as number) + scale * (direction[at + i] as number);
    assignValues(v, values);
    at += v.size;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
}

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

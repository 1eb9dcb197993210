/**
 * The inner loop on exact gradients: m steps of gradient ascent on one surrogate, on the data of one policy. If ℓ is
 * β-smooth in z, α ≤ 1/β never lowers it; for sMDPO β = max_s d(s)/(2η), whatever the sign of 1 + ηA.
 */

import type { TabularSurrogate } from './methods.ts';
import { expInto, logSoftmaxRows } from './softmax.ts';
import type { Anchor, Point } from './surrogate-terms.ts';

/** Gradient ascent with one step size. */
export interface FixedInner {
  kind: 'fixed';
  /** parametric step size */
  alpha: number;
  /** m */
  steps: number;
}

/** Gradient ascent whose step size is found by backtracking. */
export interface ArmijoInner {
  kind: 'armijo';
  /** sufficient increase: α is taken where f(z + αg) ≥ f(z) + c·α‖g‖²; default .5 */
  c?: number;
  /**
   * what f is: the surrogate ('full', default), or its linear term alone ('linear-only'), which the released code tests
   * while it steps along the whole gradient: that silently takes η out of the method
   */
  objective?: 'full' | 'linear-only';
  /** m */
  steps: number;
  /** first trial of an outer step; default 10 */
  maxAlpha?: number;
  /** within an outer step, the next search starts at twice the last accepted α; default true */
  warmStart?: boolean;
}

const shrink = 0.9;
const mostTrials = 1000;

/** Buffers of one run. */
export class InnerLoop {
  readonly #logP: Float64Array;
  readonly #trial: Float64Array;
  readonly #gradient: Float64Array;
  readonly #point: { p: Float64Array; logRatio: Float64Array };

  constructor(size: number) {
    this.#logP = new Float64Array(size);
    this.#trial = new Float64Array(size);
    this.#gradient = new Float64Array(size);
    this.#point = { p: new Float64Array(size), logRatio: new Float64Array(size) };
  }

  /** m steps with the same α; `z` is changed. */
  fixed(surrogate: TabularSurrogate, anchor: Anchor, z: Float64Array, { alpha, steps }: FixedInner): void {
    for (let k = 0; k < steps; k++) {
      const g = this.#gradientAt(surrogate, anchor, this.#at(z, anchor));
      for (let i = 0; i < z.length; i++) z[i] = (z[i] as number) + alpha * (g[i] as number);
    }
  }

  /** m steps whose α is found by backtracking; ends early where none is accepted. `z` is changed. */
  armijo(surrogate: TabularSurrogate, anchor: Anchor, z: Float64Array, o: ArmijoInner): void {
    const { c = 0.5, objective = 'full', steps, maxAlpha = 10, warmStart = true } = o;
    const f = (point: Point): number =>
      objective === 'full' ? surrogateValue(surrogate, anchor, point) : surrogate.linear.value(anchor, point);
    let first = maxAlpha;
    for (let k = 0; k < steps; k++) {
      const point = this.#at(z, anchor);
      const before = f(point);
      const g = this.#gradientAt(surrogate, anchor, point);
      let squared = 0;
      for (const x of g) squared += x * x;
      let alpha = first;
      let accepted = false;
      for (let trial = 0; trial < mostTrials && !accepted; trial++) {
        for (let i = 0; i < z.length; i++) this.#trial[i] = (z[i] as number) + alpha * (g[i] as number);
        accepted = f(this.#at(this.#trial, anchor)) >= before + c * alpha * squared;
        if (!accepted) alpha *= shrink;
      }
      if (!accepted) return;
      z.set(this.#trial);
      if (warmStart) first = 2 * alpha;
    }
  }

  /** The surrogate's gradient by the logits, at `z`: a buffer that the next call overwrites. */
  gradient(surrogate: TabularSurrogate, anchor: Anchor, z: Float64Array): Float64Array {
    return this.#gradientAt(surrogate, anchor, this.#at(z, anchor));
  }

  /** ℓ(z) − ℓ(z_t). */
  value(surrogate: TabularSurrogate, anchor: Anchor, z: Float64Array): number {
    return surrogateValue(surrogate, anchor, this.#at(z, anchor));
  }

  /** The policy of logits z, compared with the anchor's; a buffer that the next call overwrites. */
  #at(z: Float64Array, { A, logP }: Anchor): Point {
    logSoftmaxRows(z, A, this.#logP);
    expInto(this.#logP, this.#point.p);
    const { logRatio } = this.#point;
    for (let i = 0; i < z.length; i++) logRatio[i] = (this.#logP[i] as number) - (logP[i] as number);
    return this.#point;
  }

  #gradientAt({ linear, proximity, weight }: TabularSurrogate, anchor: Anchor, point: Point): Float64Array {
    this.#gradient.fill(0);
    linear.addGradient(anchor, point, 1, this.#gradient);
    proximity?.addGradient(anchor, point, -weight, this.#gradient);
    return this.#gradient;
  }
}

function surrogateValue({ linear, proximity, weight }: TabularSurrogate, anchor: Anchor, point: Point): number {
  return linear.value(anchor, point) - (proximity === undefined ? 0 : weight * proximity.value(anchor, point));
}

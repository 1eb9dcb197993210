// AdamW (Loshchilov & Hutter 2019) over a whole tree of parameters as one command, by PyTorch's formula:
//
//   p ← p (1 − η λ);  m ← m + (1 − β₁)(g − m);  v ← β₂ v + (1 − β₂) g²
//   p ← p − η/(1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)
//
// The step counter t and the learning rate η live in tensors, so that a captured step can be replayed.

import {
  add,
  div,
  engine,
  mul,
  scalar,
  sqrt,
  square,
  sub,
  type Tensor,
  tidy,
  type Variable,
} from '@tensorflow/tfjs-core';
import { requireOptions } from '../options/checks.ts';
import { checkDtype, checkNumber, checkShape, sameShape } from './internal/check.ts';
import { defineKernel, hasFusedBody, type Inputs, runKernel } from './internal/kernel.ts';

/** One tensor of the tree that is updated. */
export interface AdamWEntry {
  /** Updated in place, float32. */
  parameter: Variable;
  /** The parameter's shape. */
  gradient: Tensor;
  /** First moment, the parameter's shape, zeros at first. */
  m: Variable;
  /** Second moment, the parameter's shape, zeros at first. */
  v: Variable;
  /** λ; default 0, which is Adam. */
  weightDecay?: number;
}

export interface AdamWOptions {
  /** A number, or a scalar tensor that is read when the command runs. */
  learningRate: number | Tensor;
  /** Scalar float32: the updates done so far; the call adds one. */
  step: Variable;
  /** Default 0.9. */
  beta1?: number;
  /** Default 0.999. */
  beta2?: number;
  /** Default 1e-8. */
  epsilon?: number;
  /** Scalar that every gradient is multiplied with first: clipping by the global norm without a pass of its own. */
  gradientScale?: Tensor | undefined;
}

export type AdamWAttributes = {
  count: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: readonly number[];
};

/** Updates done, by the storage of a step counter: a composition's host reads a counter once, not at every update. */
const counts = new WeakMap<object, number>();

const updatesDone = ({ dataId }: Tensor, read: () => number): number => counts.get(dataId) ?? read();

/** 1 − βᵗ. Through the power in float32 it would be wrong by 1e-5 at t = 1 and β = 0.999. */
const correctionOf = (beta: number, t: number): number => (beta === 0 ? 1 : -Math.expm1(t * Math.log(beta)));

/** A leaf's tensors before an update. */
export interface AdamWLeaf {
  p: Tensor;
  g: Tensor;
  m: Tensor;
  v: Tensor;
  weightDecay: number;
}

/** p, m and v after it. */
export type AdamWUpdated = [p: Tensor, m: Tensor, v: Tensor];

/** Updates many leaves by a function for one. */
export type EachLeaf = (leaves: readonly AdamWLeaf[], one: (leaf: AdamWLeaf) => AdamWUpdated) => AdamWUpdated[];

/** The update by operations on tensors. @param each for a backend on which few large operations beat many small ones */
export function composeAdamWTree(
  inputs: Inputs,
  a: AdamWAttributes,
  each: EachLeaf = (leaves, one) => leaves.map(one),
): Tensor[] {
  const given = inputs as unknown as Tensor[];
  const [before, rate] = given as [Tensor, Tensor];
  const gradientScale = given[2 + 4 * a.count];
  const t = updatesDone(before, () => before.dataSync()[0] as number) + 1;
  const step = scalar(t);
  counts.set(step.dataId, t);
  const stepSize = div(rate, correctionOf(a.beta1, t));
  const correction = Math.sqrt(correctionOf(a.beta2, t));
  // one tensor for all leaves, not one each
  const [gain1, keep2, gain2] = [1 - a.beta1, a.beta2, 1 - a.beta2].map((x) => scalar(x)) as [Tensor, Tensor, Tensor];
  const [root, epsilon] = [scalar(correction), scalar(a.epsilon)];
  const leaves = Array.from({ length: a.count }, (_, i): AdamWLeaf => {
    const [p, g, m, v] = given.slice(2 + 4 * i, 6 + 4 * i) as [Tensor, Tensor, Tensor, Tensor];
    return { p, g, m, v, weightDecay: a.weightDecay[i] as number };
  });
  const updated = each(leaves, ({ p, g: raw, m, v, weightDecay }) => {
    const g = gradientScale === undefined ? raw : mul(raw, gradientScale);
    const m1 = add(m, mul(sub(g, m), gain1));
    const v1 = add(mul(v, keep2), mul(square(g), gain2));
    const decayed = weightDecay === 0 ? p : mul(p, sub(1, mul(rate, weightDecay)));
    const denominator = add(div(sqrt(v1), root), epsilon);
    return [sub(decayed, mul(stepSize, div(m1, denominator))), m1, v1];
  });
  return [step, ...updated.flat()];
}

/**
 * Inputs, a list: step, learningRate, then p, g, m and v of each entry, and perhaps gradientScale. A fused body writes
 * into p, m, v and step and returns nothing; this one returns the new step, then the new p, m and v of each entry.
 */
const adamWTreeKernel = defineKernel<AdamWAttributes>('AdamWTree', (inputs, a) => composeAdamWTree(inputs, a));

/** Gives a variable storage of its own where others share it, before a kernel writes into it. */
export function ownStorage(variable: Variable): void {
  if (engine().backend.refCount(variable.dataId) > 1) tidy(() => variable.assign(mul(variable, 1)));
}

/**
 * One AdamW update of many parameters, in place.
 * @param entries parameters with their gradients and moments; the variables are changed
 * @throws ShapeError where a gradient or moment has another shape than its parameter, or a tensor is not float32; ConfigError for numbers out of range
 */
export function adamWTree(entries: readonly AdamWEntry[], o: AdamWOptions): void {
  const where = 'adamWTree';
  requireOptions(where, o);
  const { learningRate, step, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, gradientScale } = o;
  checkNumber(where, 'beta1', beta1, beta1 >= 0 && beta1 < 1, 'a number in [0, 1)');
  checkNumber(where, 'beta2', beta2, beta2 >= 0 && beta2 < 1, 'a number in [0, 1)');
  checkNumber(where, 'epsilon', epsilon, epsilon >= 0, 'a number ≥ 0');
  checkDtype(where, 'step', step, 'float32');
  checkShape(where, 'step', step, []);
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as AdamWEntry;
    const { shape } = entry.parameter;
    if (entry.parameter.isDisposed || entry.parameter.dtype !== 'float32')
      checkDtype(where, `entries[${i}].parameter`, entry.parameter, 'float32');
    for (const name of ['gradient', 'm', 'v'] as const) {
      if (entry[name]?.isDisposed !== false || entry[name].dtype !== 'float32')
        checkDtype(where, `entries[${i}].${name}`, entry[name], 'float32');
      if (!sameShape(entry[name].shape, shape))
        checkShape(where, `entries[${i}].${name}`, entry[name], shape, 'like its parameter');
    }
  }
  tidy(() => {
    if (hasFusedBody(adamWTreeKernel)) {
      ownStorage(step);
      // it writes into the counter, which another backend may have counted
      counts.delete(step.dataId);
      for (const { parameter, m, v } of entries) {
        ownStorage(parameter);
        ownStorage(m);
        ownStorage(v);
      }
    }
    // a list: V8 keeps an object with hundreds of computed keys as a hash table
    const inputs: Tensor[] = [step, typeof learningRate === 'number' ? scalar(learningRate) : learningRate];
    const weightDecay: number[] = [];
    for (const { parameter, gradient, m, v, weightDecay: decay = 0 } of entries) {
      inputs.push(parameter, gradient, m, v);
      weightDecay.push(decay);
    }
    if (gradientScale !== undefined) inputs.push(gradientScale);
    const attributes = { count: entries.length, beta1, beta2, epsilon, weightDecay };
    const out = runKernel(adamWTreeKernel, inputs as unknown as Inputs, attributes);
    if (out.length === 0) return;
    step.assign(out[0] as Tensor);
    entries.forEach(({ parameter, m, v }, i) => {
      [parameter, m, v].forEach((variable, j) => void variable.assign(out[1 + 3 * i + j] as Tensor));
    });
  });
}

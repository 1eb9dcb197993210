// Polyak averaging of a whole tree as one command: target ← target + τ (source − target). Target networks, EMA.

import { add, mul, sub, type Tensor, tidy, type Variable } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { ownStorage } from './adamw-tree.ts';
import { checkDtype, checkNumber, checkShape, checkTensor, sameShape } from './internal/check.ts';
import { defineKernel, hasFusedBody, type Inputs, runKernel } from './internal/kernel.ts';

/** A target moved a share τ of the way to its source. */
export const moved = (target: Tensor, source: Tensor, tau: number): Tensor =>
  add(target, mul(sub(source, target), tau));

/** Inputs, a list: each target and its source. A fused body writes into the targets and returns nothing; this one returns the new targets. */
const polyakTreeKernel = defineKernel('PolyakTree', (inputs, { count, tau }: { count: number; tau: number }) => {
  const given = inputs as unknown as Tensor[];
  return Array.from({ length: count }, (_, i) => {
    const [target, source] = given.slice(2 * i, 2 * i + 2) as [Tensor, Tensor];
    return moved(target, source, tau);
  });
});

/**
 * Moves targets a share τ of the way to their sources, in place.
 * @param targets changed by the call
 * @param sources as many, of the same shapes
 * @param tau in [0, 1]; 1 copies the sources
 * @throws ShapeError where the lists or shapes differ, or a tensor is not float32; ConfigError for a share outside [0, 1]
 */
export function polyakTree(targets: readonly Variable[], sources: readonly Tensor[], tau: number): void {
  const where = 'polyakTree';
  checkNumber(where, 'tau', tau, tau >= 0 && tau <= 1, 'a number in [0, 1]');
  if (targets.length !== sources.length)
    throw new ShapeError({
      where,
      what: 'as many sources as targets are needed',
      got: sources.length,
      wanted: targets.length,
    });
  for (let i = 0; i < sources.length; i++) {
    const [source, { shape }] = [sources[i] as Tensor, targets[i] as Variable];
    if (source?.isDisposed !== false) checkTensor(where, `sources[${i}]`, source);
    if (targets[i]?.isDisposed !== false) checkTensor(where, `targets[${i}]`, targets[i] as Variable);
    if (source.dtype !== 'float32') checkDtype(where, `sources[${i}]`, source, 'float32');
    if (targets[i]?.dtype !== 'float32') checkDtype(where, `targets[${i}]`, targets[i] as Variable, 'float32');
    if (!sameShape(source.shape, shape)) checkShape(where, `sources[${i}]`, source, shape, 'like its target');
  }
  tidy(() => {
    if (hasFusedBody(polyakTreeKernel)) for (const target of targets) ownStorage(target);
    const inputs: Tensor[] = [];
    for (let i = 0; i < targets.length; i++) inputs.push(targets[i] as Variable, sources[i] as Tensor);
    const out = runKernel(polyakTreeKernel, inputs as unknown as Inputs, { count: targets.length, tau });
    out.forEach((tensor, i) => void (targets[i] as Variable).assign(tensor));
  });
}

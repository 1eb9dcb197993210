// The Euclidean norm of all elements of many tensors, as one command.

import { add, scalar, sqrt, square, sum, type Tensor } from '@tensorflow/tfjs-core';
import { checkDtype, checkList } from './internal/check.ts';
import { defineKernel, type Inputs, runKernel1 } from './internal/kernel.ts';

/** Inputs x0, x1, …. */
const globalNormKernel = defineKernel('GlobalNorm', (inputs, { count }: { count: number }) => {
  let total: Tensor = scalar(0);
  for (let i = 0; i < count; i++) total = add(total, sum(square(inputs[`x${i}`] as Tensor)));
  return [sqrt(total)];
});

/**
 * √Σ x² over all elements of all tensors; not differentiable.
 * @param tensors any shapes, float32
 * @returns a scalar; the caller disposes it
 * @throws ShapeError for what is no list of tensors that are there, or a tensor of another dtype
 */
export function globalNorm<T extends Tensor = Tensor>(tensors: readonly Tensor[]): T {
  const fix = 'Of a tree, treeNorm(tree) is the norm';
  checkList('globalNorm', 'this is no list of tensors', tensors, '[x0, x1, …]', fix);
  const inputs: Inputs = {};
  tensors.forEach((tensor: Tensor, i) => {
    checkDtype('globalNorm', `tensors[${i}]`, tensor, 'float32');
    inputs[`x${i}`] = tensor;
  });
  return runKernel1(globalNormKernel, inputs, { count: tensors.length });
}

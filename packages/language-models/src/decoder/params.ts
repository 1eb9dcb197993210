// Reading and making parameter trees.
import { CheckpointError, isTensor, type Params, type Rng, unflatten } from '@gimbal/tensor-core';
import { fill, type Tensor } from '@tensorflow/tfjs-core';
import type { ParameterSpec } from './family.ts';

/**
 * The branch or tensor under keys.
 * @throws CheckpointError naming the path, if the tree lacks it
 */
function walk(params: Params, keys: readonly (string | number)[]): Params | Tensor {
  let node: Params | Tensor | undefined = params;
  for (const key of keys) {
    node = isTensor(node) ? undefined : node?.[key];
  }
  if (node === undefined) {
    throw new CheckpointError({
      where: 'decoder',
      what: `the parameters lack ${keys.join('.')}`,
      fix: 'They belong to another config; make them with init or load them with their config',
    });
  }
  return node;
}

/** The tensor under keys. */
export const tensorAt = (params: Params, ...keys: (string | number)[]): Tensor => walk(params, keys) as Tensor;

/** The branch under keys. */
export const branchAt = (params: Params, ...keys: (string | number)[]): Params => walk(params, keys) as Params;

/** Makes every parameter, each from a stream named by its path. The caller disposes the tree. */
export function initParams(specs: readonly ParameterSpec[], rng: Rng): Params {
  return unflatten(
    specs.map(({ path, shape, init }) => [
      path,
      'std' in init ? rng.split(path).normalTensor(shape, 0, init.std) : fill([...shape], init.constant),
    ]),
  );
}

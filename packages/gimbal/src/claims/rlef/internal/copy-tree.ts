// A copy of a tree that outlives its trainer.
import { cloneTree, flatten, type Params, unflatten } from '@gimbal/tensor-core';
import { keep, type Tensor } from '@tensorflow/tfjs-core';

/** Tensors that the caller disposes. */
export const copyTree = (params: Params): Params =>
  unflatten(flatten(cloneTree(params) as Params).map(([path, t]): [string, Tensor] => [path, keep(t)]));

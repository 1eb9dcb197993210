/**
 * Clipping by the global norm: all gradients are scaled by one number, so their direction stays.
 */
import { add, clone, div, minimum, mul, type Scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { globalNorm } from '../ops/global-norm.ts';
import { flatten, mapTree, type Params, type TreeOf } from '../tree/params.ts';

/** √Σ x² over all elements of the tree's float leaves; the caller disposes it. */
export function treeNorm(tree: Params): Scalar {
  return globalNorm<Scalar>(floats(tree));
}

/**
 * What gradients must be multiplied with to have at most the norm `max`: min(1, max/(norm + 1e-6)), as
 * torch.nn.utils.clip_grad_norm_. NaN or infinity in a gradient gives NaN or 0, never an exception.
 * @param norm the global norm before clipping
 * @param epsilon keeps the quotient finite where all gradients are 0; default 1e-6
 * @returns a scalar that the caller disposes; optimisers take it as `gradientScale`
 */
export function clipScale(norm: Tensor, max: number, epsilon = 1e-6): Scalar {
  return tidy(() => minimum<Scalar>(div(max, add(norm, epsilon)), 1));
}

/**
 * Gradients scaled down to a global norm.
 * @param grads not disposed
 * @returns new gradients and the norm before clipping; the caller disposes both
 */
export function clipByGlobalNorm<P extends Params>(grads: P, max: number): { grads: TreeOf<P, Tensor>; norm: Scalar } {
  return tidy(() => {
    const norm = treeNorm(grads);
    const scale = clipScale(norm, max);
    return { grads: mapTree(grads, (g) => (g.dtype === 'float32' ? mul(g, scale) : clone(g))), norm };
  });
}

const floats = (tree: Params): Tensor[] => flatten(tree).flatMap(([, t]) => (t.dtype === 'float32' ? [t] : []));

// Who owns the tensors of a tree: counting, copying and disposing them.
import { clone, keep, type Tensor, type Variable, variable } from '@tensorflow/tfjs-core';
import { flatten, mapTree, type Params, type TreeOf } from './params.ts';

/** The number of elements (parameters) in the tree. */
export function treeSize(params: Params): number {
  return flatten(params).reduce((n, [, t]) => n + t.size, 0);
}

/** The bytes of the tree's values: 4 per float32 and int32 element, 1 per bool; a buffer used twice counts twice. */
export function treeBytes(params: Params): number {
  return flatten(params).reduce(
    (n, [, t]) => n + t.size * (t.dtype === 'bool' ? 1 : t.dtype === 'complex64' ? 8 : 4),
    0,
  );
}

/** Disposes every leaf. Safe to call twice, and on trees that share leaves. */
export function disposeTree(params: Params): void {
  // a Variable's own dispose() would count a second call again
  for (const [, t] of flatten(params)) if (!t.isDisposed) t.dispose();
}

/**
 * A second tree on the same values. No number is copied: each value is freed when the last tensor on it is disposed, and
 * whoever writes in place (optimisers, Polyak averaging) copies first a value that is shared.
 * @returns tensors that the caller disposes
 */
export function cloneTree<P extends Params>(params: P): TreeOf<P, Tensor> {
  return mapTree(params, (t) => clone(t));
}

/**
 * A tree of variables with the values of `params`: what a trainer owns and an optimiser updates in place.
 * The values are shared as in `cloneTree`: dispose `params` afterwards if nothing else needs it.
 * @returns variables that the caller disposes (`disposeTree`); they survive tidy scopes
 */
export function variables<P extends Params>(params: P): TreeOf<P, Variable> {
  return mapTree(params, (t) => variable(t));
}

/** Marks every leaf to survive the enclosing tidy scopes; the caller disposes them. Returns the same tree. */
export function keepTree<P extends Params>(params: P): P {
  for (const [, t] of flatten(params)) keep(t);
  return params;
}

// Cross-entropy of hidden · headᵀ without ever holding the logits: a fused body goes through the rows in chunks, and while
// a chunk's logits are there it turns them into their gradient and adds that to dhidden and dhead. Memory is what this op
// saves; it pays from vocabularies of some tens of thousands on.

import { matMul, mul, ones, reshape, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import {
  type CrossEntropyAttributes,
  type CrossEntropyOptions,
  composeCrossEntropyGrad,
  crossEntropyAttributes,
  reduceLosses,
  rowLosses,
} from './cross-entropy.ts';
import { checkDtype, checkName, checkRank, checkShape } from './internal/check.ts';
import { defineFusedOp, type FusedOp, runFused1 } from './internal/fused-op.ts';
import { present } from './internal/kernel.ts';

/** Attributes of cross-entropy, and whether the head's gradient will be asked for. */
export type LinearCrossEntropyAttributes = CrossEntropyAttributes & { headGradient: boolean };

export const linearCrossEntropyOp: FusedOp<LinearCrossEntropyAttributes> = defineFusedOp({
  name: 'LinearCrossEntropy',
  compose: (inputs, a) => {
    const { hidden, head, targets, weights } = inputs as {
      hidden: Tensor2D;
      head: Tensor2D;
      targets: Tensor;
      weights?: Tensor;
    };
    const flat = reshape(targets, [-1]) as Tensor1D;
    const logits = matMul(hidden, head, false, true) as Tensor2D;
    const [loss, lse] = rowLosses(logits, flat, a);
    const out = reduceLosses(loss, weights, targets.shape, a);
    if (!a.training) return [out];
    const d = composeCrossEntropyGrad(ones([1]), logits, flat, weights, lse, a);
    return [out, matMul(d, head), ...(a.headGradient ? [matMul(d, hidden, true, false)] : [])];
  },
  // the forward pass has the gradients for an incoming gradient of 1
  gradient: ({ dys, extras: [dHidden, dHead] }) => ({
    hidden: () => mul(dHidden as Tensor, dys[0] as Tensor),
    ...(dHead && { head: () => mul(dHead, dys[0] as Tensor) }),
  }),
});

/** Options of crossEntropy that fit, and one of its own. */
export type LinearCrossEntropyOptions = Omit<CrossEntropyOptions, 'reduction'> & {
  /** Default `mean`. */
  reduction?: 'mean' | 'sum';
  /** The head is a constant: its gradient, as large as itself, is not computed and would be zero. Default false. */
  frozenHead?: boolean;
};

/**
 * Cross-entropy of the logits hidden · headᵀ.
 * @param hidden [N,D], float32
 * @param head [V,D], float32: the output projection, one row per class
 * @param targets [N], int32, each in [0, V)
 * @param o as in crossEntropy; the reduction is `mean` or `sum`; `frozenHead` spares a head that is not trained
 * @returns a scalar; the caller disposes it
 * @throws ShapeError where shapes do not fit; ConfigError for options
 */
export function linearCrossEntropy<T extends Tensor = Tensor>(
  hidden: Tensor,
  head: Tensor,
  targets: Tensor,
  o: LinearCrossEntropyOptions = {},
): T {
  const where = 'linearCrossEntropy';
  checkDtype(where, 'hidden', hidden, 'float32');
  checkRank(where, 'hidden', hidden, [2], '[N,D]');
  checkDtype(where, 'head', head, 'float32');
  checkRank(where, 'head', head, [2], '[V,D]');
  checkShape(where, 'head', head, [head.shape[0] as number, hidden.shape[1] as number]);
  checkName(where, 'reduction', o.reduction ?? 'mean', ['mean', 'sum']);
  const { frozenHead = false, ...loss } = o;
  const a = { ...crossEntropyAttributes(where, targets, hidden.shape.slice(0, 1), loss), headGradient: !frozenHead };
  return runFused1(linearCrossEntropyOp, present({ hidden, head, targets, weights: o.weights }), a);
}

// Cross-entropy by TensorFlow's SparseSoftmaxCrossEntropyWithLogits: one pass over the classes gives losses and gradients.
// The gradient of each row's own loss, [R,V], takes the place of the logarithms that other bodies keep.
import {
  cast,
  clipByValue,
  greater,
  less,
  logicalAnd,
  matMul,
  mul,
  ones,
  reshape,
  scalar,
  where as select,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
} from '@tensorflow/tfjs-core';
import {
  asRows,
  type CrossEntropyAttributes,
  crossEntropyOp,
  crossEntropyGrad as gradKernel,
  reduceLosses,
  weighRows,
} from '../../../ops/cross-entropy.ts';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import { type LinearCrossEntropyAttributes, linearCrossEntropyOp } from '../../../ops/linear-cross-entropy.ts';
import type { TensorFlowBackend } from '../tensorflow-backend.ts';

type Body<A> = (inputs: Inputs, attributes: A) => Tensor[];
type Training = CrossEntropyAttributes & { training: boolean };

/** TensorFlow's operation knows no smoothing, and refuses a batch of nothing. */
const isPlain = (x: Tensor, a: CrossEntropyAttributes): boolean => a.labelSmoothing === 0 && x.size > 0;

export function crossEntropy(backend: TensorFlowBackend): Body<Training> {
  const rowLosses = sparse(backend);
  return (inputs, a) => {
    const { logits, targets, weights } = inputs as { logits: Tensor; targets: Tensor; weights?: Tensor };
    if (!isPlain(logits, a)) return crossEntropyOp.kernel.compose(inputs, a);
    const [loss, d] = rowLosses(asRows(logits), targets, a.temperature);
    const out = reduceLosses(loss, weights, targets.shape, a);
    return a.training ? [out, d] : [out];
  };
}

/** `lse` is the gradient of the rows' losses here. */
export const crossEntropyGrad: Body<CrossEntropyAttributes> = (inputs, a) => {
  const { dy, logits, weights, lse: d } = inputs as { [name: string]: Tensor } & { weights?: Tensor };
  if (!isPlain(logits as Tensor, a)) return gradKernel.compose(inputs, a);
  return [reshape(weighRows(d as Tensor, dy as Tensor, weights, a), (logits as Tensor).shape)];
};

export function linearCrossEntropy(
  backend: TensorFlowBackend,
): Body<LinearCrossEntropyAttributes & { training: boolean }> {
  const rowLosses = sparse(backend);
  return (inputs, a) => {
    const { hidden, head, targets, weights } = inputs as { [name: string]: Tensor2D } & { weights?: Tensor };
    if (!isPlain(head as Tensor, a) || hidden?.size === 0) return linearCrossEntropyOp.kernel.compose(inputs, a);
    const logits = matMul(hidden as Tensor2D, head as Tensor2D, false, true) as Tensor2D;
    const [loss, rowGradients] = rowLosses(logits, targets as Tensor, a.temperature);
    const out = reduceLosses(loss, weights, (targets as Tensor).shape, a);
    if (!a.training) return [out];
    const d = weighRows(rowGradients, ones([1]), weights, a);
    const dHead = a.headGradient ? [matMul(d, hidden as Tensor2D, true, false)] : [];
    return [out, matMul(d, head as Tensor2D), ...dHead];
  };
}

type RowLosses = (logits: Tensor2D, targets: Tensor, temperature: number) => [loss: Tensor, d: Tensor];

/** Losses [R] of logits [R,V] over τ, and their gradients [R,V] by logits over τ. */
function sparse(backend: TensorFlowBackend): RowLosses {
  const { binding: b } = backend;
  const attributes = [
    { name: 'T', type: b.TF_ATTR_TYPE, value: b.TF_FLOAT },
    { name: 'Tlabels', type: b.TF_ATTR_TYPE, value: b.TF_INT32 },
  ];
  return (logits, targets, temperature) => {
    const classes = logits.shape[1];
    const flat = reshape(targets, [-1]) as Tensor1D;
    // a target that is none: NaN, where TensorFlow's kernel for the CPU throws
    const inside = logicalAnd(greater(flat, scalar(-1, 'int32')), less(flat, scalar(classes, 'int32')));
    const labels = cast(clipByValue(cast(flat, 'float32'), 0, classes - 1), 'int32');
    const x = temperature === 1 ? logits : mul(logits, 1 / temperature);
    const outputs = backend.executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', attributes, [x, labels], 2);
    const [loss, d] = outputs as [Tensor, Tensor];
    return [select(inside, loss, scalar(Number.NaN)), d];
  };
}

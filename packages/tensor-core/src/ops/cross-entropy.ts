// Cross-entropy of logits, and the log-probabilities of given tokens, with log-softmax, selection and gradient in one op.
//
//   ℓ = log Σ exp(x/τ);  loss = (1 − ε)(ℓ − x_target/τ) + ε (ℓ − mean(x)/τ)
//   dx = g w (softmax(x/τ) − (1 − ε) onehot − ε/V) / τ
//
// Only ℓ is kept for the backward pass. A class masked with −∞ has probability 0 and gradient 0. A row of weight 0 is left
// out altogether: its target may be any number (−100). Another target outside [0, V) gives NaN.

import {
  add,
  cast,
  clipByValue,
  div,
  equal,
  exp,
  fill,
  gather,
  greater,
  less,
  log,
  logicalAnd,
  max,
  mean,
  mul,
  notEqual,
  ones,
  range,
  reshape,
  scalar,
  where as select,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { checkDtype, checkName, checkNumber, checkRank, checkShape, sizeOf } from './internal/check.ts';
import { defineFusedOp, runFused1 } from './internal/fused-op.ts';
import { defineKernel, present, runKernel1 } from './internal/kernel.ts';

/** How the losses of a batch become one: weighted mean, weighted sum, or not at all. */
export type Reduction = 'mean' | 'sum' | 'none';

export type CrossEntropyAttributes = {
  reduction: Reduction;
  labelSmoothing: number;
  temperature: number;
  /** 1 for a loss, −1 for log-probabilities. */
  sign: number;
};

/** Loss per row [R] (before weights) and ℓ [R], from logits [R,V]. */
export function rowLosses(logits: Tensor2D, targets: Tensor1D, a: CrossEntropyAttributes): [loss: Tensor, lse: Tensor] {
  const [rows, classes] = logits.shape;
  const x = a.temperature === 1 ? logits : mul(logits, 1 / a.temperature);
  const top = max(x, -1, true);
  const lse = add(log(sum(exp(sub(x, top)), -1)), reshape(top, [rows]));
  const inside = logicalAnd(greater(targets, scalar(-1, 'int32')), less(targets, scalar(classes, 'int32')));
  const index = cast(clipByValue(cast(targets, 'float32'), 0, classes - 1), 'int32');
  const picked = gather(reshape(x, [-1]), add(range(0, rows * classes, classes, 'int32'), index) as Tensor1D);
  const hit = select(inside, picked, fill([rows], Number.NaN));
  const nll = sub(lse, hit);
  if (a.labelSmoothing === 0) return [nll, lse];
  const smooth = sub(lse, mean(x, -1));
  return [add(mul(nll, 1 - a.labelSmoothing), mul(smooth, a.labelSmoothing)), lse];
}

/** Rows' losses times their weights; a row of weight 0 gives 0 whatever its loss is. */
function weighted(loss: Tensor, weights: Tensor | undefined): Tensor {
  if (weights === undefined) return loss;
  const w = reshape(weights, loss.shape);
  return select(notEqual(w, 0), mul(loss, w), zerosLike(loss));
}

/** What a sum over rows is divided by: 1, or with `mean` the weights' sum (1 where it is 0). */
function divisor(rows: number, weights: Tensor | undefined, reduction: Reduction): Tensor {
  if (reduction !== 'mean') return scalar(1);
  if (weights === undefined) return scalar(Math.max(1, rows));
  const total = sum(weights);
  return add(total, cast(equal(total, 0), 'float32'));
}

/** Sum, mean, or the rows themselves in the targets' shape. */
export function reduceLosses(
  loss: Tensor,
  weights: Tensor | undefined,
  shape: readonly number[],
  { reduction, sign }: CrossEntropyAttributes,
): Tensor {
  const rows = mul(weighted(loss, weights), sign);
  if (reduction === 'none') return reshape(rows, [...shape]);
  return div(sum(rows), divisor(loss.size, weights, reduction));
}

/** dlogits [R,V] for row gradients dy (a scalar, or one per row). */
export function composeCrossEntropyGrad(
  dy: Tensor,
  logits: Tensor2D,
  targets: Tensor1D,
  weights: Tensor | undefined,
  lse: Tensor,
  a: CrossEntropyAttributes,
): Tensor2D {
  const [rows, classes] = logits.shape;
  const x = a.temperature === 1 ? logits : mul(logits, 1 / a.temperature);
  const probabilities = exp(sub(x, reshape(lse, [rows, 1])));
  // oneHot refuses a single class
  const hit = equal(reshape(targets, [rows, 1]), reshape(range(0, classes, 1, 'int32'), [1, classes]));
  const target = mul(cast(hit, 'float32'), 1 - a.labelSmoothing);
  const d = sub(probabilities, a.labelSmoothing === 0 ? target : add(target, a.labelSmoothing / classes));
  return weighRows(d, dy, weights, a);
}

/** Gradients of the rows' own losses times what each row counts; a row that does not count has none, whatever d is. */
export function weighRows(
  d: Tensor,
  dy: Tensor,
  weights: Tensor | undefined,
  { reduction, sign, temperature }: CrossEntropyAttributes,
): Tensor2D {
  const rows = d.shape[0] as number;
  const w = weights === undefined ? ones([rows]) : reshape(weights, [rows]);
  const perRow = mul(div(mul(w, reshape(dy, [-1])), divisor(rows, weights, reduction)), sign / temperature);
  const column = reshape(perRow, [rows, 1]);
  return select(notEqual(column, 0), mul(d, column), zerosLike(d)) as Tensor2D;
}

export const crossEntropyGrad = defineKernel<CrossEntropyAttributes>('CrossEntropyGrad', (inputs, a) => {
  const { dy, logits, targets, weights, lse } = inputs as { [name: string]: Tensor } & { weights?: Tensor };
  const x = asRows(logits as Tensor);
  const flat = reshape(targets as Tensor, [-1]) as Tensor1D;
  return [reshape(composeCrossEntropyGrad(dy as Tensor, x, flat, weights, lse as Tensor, a), (logits as Tensor).shape)];
});

/** [..., V] → [R,V]. */
export const asRows = (x: Tensor): Tensor2D => {
  const classes = x.shape[x.rank - 1] as number;
  return reshape(x, [sizeOf(x.shape.slice(0, -1)), classes]);
};

export const crossEntropyOp = defineFusedOp<CrossEntropyAttributes>({
  name: 'CrossEntropy',
  compose: (inputs, a) => {
    const { logits, targets, weights } = inputs as { logits: Tensor; targets: Tensor; weights?: Tensor };
    const [loss, lse] = rowLosses(asRows(logits), reshape(targets, [-1]) as Tensor1D, a);
    const out = reduceLosses(loss, weights, targets.shape, a);
    return a.training ? [out, lse] : [out];
  },
  saveInputs: ['logits', 'targets', 'weights'],
  gradient: ({ dys, inputs, extras, attributes }) => ({
    logits: () =>
      runKernel1(crossEntropyGrad, { dy: dys[0] as Tensor, ...inputs, lse: extras[0] as Tensor }, attributes),
  }),
});

/** How the losses are weighted and summed. */
export interface CrossEntropyOptions {
  /** [...] float32, one per target; 0 leaves a row out. Default 1. */
  weights?: Tensor | undefined;
  /** `mean` divides by the sum of the weights (the result is 0 where that is 0). Default `mean`. */
  reduction?: Reduction;
  /** Share ε of the target's probability spread over all classes, in [0, 1). Default 0. */
  labelSmoothing?: number;
}

/** Checks what crossEntropy and its relatives share. */
export function crossEntropyAttributes(
  where: string,
  targets: Tensor,
  shape: readonly number[],
  o: CrossEntropyOptions,
): CrossEntropyAttributes {
  const { weights, reduction = 'mean', labelSmoothing = 0 } = o;
  checkDtype(where, 'targets', targets, 'int32');
  checkShape(where, 'targets', targets, shape);
  checkName(where, 'reduction', reduction, ['mean', 'sum', 'none']);
  checkNumber(where, 'labelSmoothing', labelSmoothing, labelSmoothing >= 0 && labelSmoothing < 1, 'a number in [0, 1)');
  if (weights !== undefined) {
    checkDtype(where, 'weights', weights, 'float32');
    checkShape(where, 'weights', weights, shape, 'like targets');
  }
  return { reduction, labelSmoothing, temperature: 1, sign: 1 };
}

/**
 * Cross-entropy of logits with integer targets.
 * @param logits [..., V], float32
 * @param targets [...], int32, each in [0, V); they are not read before the call: the loss of a row with another is NaN,
 * unless its weight is 0
 * @returns a scalar, or the targets' shape with `reduction: 'none'`; the caller disposes it
 * @throws ShapeError where targets or weights are not logits' shape without its last axis; ConfigError for options
 */
export function crossEntropy<T extends Tensor = Tensor>(
  logits: Tensor,
  targets: Tensor,
  o: CrossEntropyOptions = {},
): T {
  checkDtype('crossEntropy', 'logits', logits, 'float32');
  checkRank('crossEntropy', 'logits', logits, [1, 2, 3, 4, 5, 6], '[..., V]');
  const a = crossEntropyAttributes('crossEntropy', targets, logits.shape.slice(0, -1), o);
  return runFused1(crossEntropyOp, present({ logits, targets, weights: o.weights }), a);
}

/**
 * Log-probabilities of given tokens.
 * @param logits [..., V], float32
 * @param ids [...], int32, each in [0, V); not read before the call: another's log-probability is NaN
 * @param o.temperature logits are divided by it; default 1
 * @returns ids' shape; the caller disposes it
 * @throws ShapeError where ids are not logits' shape without its last axis; ConfigError for a temperature ≤ 0
 */
export function tokenLogProbs<T extends Tensor = Tensor>(
  logits: Tensor,
  ids: Tensor,
  o: { temperature?: number } = {},
): T {
  const { temperature = 1 } = o;
  checkDtype('tokenLogProbs', 'logits', logits, 'float32');
  checkRank('tokenLogProbs', 'logits', logits, [1, 2, 3, 4, 5, 6], '[..., V]');
  checkDtype('tokenLogProbs', 'ids', ids, 'int32');
  checkShape('tokenLogProbs', 'ids', ids, logits.shape.slice(0, -1));
  checkNumber('tokenLogProbs', 'temperature', temperature, temperature > 0, 'a number > 0');
  return runFused1(
    crossEntropyOp,
    { logits, targets: ids },
    { reduction: 'none', labelSmoothing: 0, temperature, sign: -1 },
  );
}

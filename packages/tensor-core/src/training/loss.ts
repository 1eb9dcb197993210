/**
 * What a trainer minimises. A loss returns a sum and its weight instead of a mean: then micro-batches add up to exactly
 * the mean over all targets, however many each of them has (4.0 on one token and 1.0 on nine give 1.3, not 2.5).
 */
import { add, mul, type Scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { valueAndGradWithAux } from '../autodiff/value-and-grad.ts';
import { DataError } from '../errors.ts';
import type { Rng } from '../random/rng.ts';
import { disposeTree } from '../tree/memory.ts';
import { isTensor, type Params, zipTree } from '../tree/params.ts';

/** What a loss gives for a micro-batch. */
export interface LossResult {
  /** Σ loss over the batch's targets: a float32 scalar */
  sum: Scalar;
  /** what the sum is divided by, summed over micro-batches: the number of targets, for example */
  weight: number;
  /** further values to log: means over the same weight; tensors (scalars) are read only when a step is logged */
  metrics?: Readonly<Record<string, number | Scalar>>;
}

/** What a loss is told beside parameters and batch. */
export interface LossContext {
  /** a stream of this micro-batch alone (dropout, noise): the same in a resumed run */
  readonly rng: Rng;
  /** updates done before this one */
  step: number;
  /** true: dropout is on */
  training: boolean;
  /** recompute blocks backwards instead of keeping what they made (`checkpoint`) */
  gradientCheckpointing: boolean;
}

/** Differentiable in `params`; must give the same sum for the same arguments. */
export type Loss<B> = (params: Params, batch: B, context: LossContext) => LossResult;

/** Sums over micro-batches; tensors belong to the caller. */
export interface SummedGradients {
  sum: Scalar;
  weight: number;
  /** of `sum`, not of the mean */
  grads: Params;
  /** Σ weight·metric, to be divided by the weight */
  metrics: Record<string, number | Scalar>;
}

/**
 * Loss and gradients summed over micro-batches; at most two trees of gradients exist at a time.
 * @param next the micro-batch of a number, made inside its scope
 * @throws DataError when the weights are no positive number
 */
export function sumGradients<B>(
  params: Params,
  loss: Loss<B>,
  microBatches: number,
  next: (i: number) => { batch: B; context: LossContext },
): SummedGradients {
  let total: SummedGradients | undefined;
  for (let i = 0; i < microBatches; i++) {
    const before = total;
    total = scoped(() => {
      const { batch, context } = next(i);
      const one = gradientsOf(params, loss, batch, context);
      return before === undefined ? one : addUp(before, one);
    });
    if (before !== undefined) disposeSums(before);
  }
  const result = total as SummedGradients;
  if (result.weight > 0 && Number.isFinite(result.weight)) return result;
  disposeSums(result);
  throw new DataError({
    where: 'training',
    what: 'a batch has no targets: the weights of its losses',
    got: result.weight,
    wanted: 'a positive sum',
    fix: 'Leave rows without targets out of the data',
  });
}

/** `tidy` for results of any shape: tensors in plain objects survive. */
export const scoped = <T>(f: () => T): T => tidy(f as () => never);

export function disposeSums({ sum, grads, metrics }: SummedGradients): void {
  sum.dispose();
  disposeTree(grads);
  for (const m of Object.values(metrics)) if (typeof m !== 'number') m.dispose();
}

function gradientsOf<B>(params: Params, loss: Loss<B>, batch: B, context: LossContext): SummedGradients {
  let weight = 0;
  const { value, grads, aux } = valueAndGradWithAux((p: Params) => {
    const result = loss(p, batch, context);
    weight = result.weight;
    return { value: result.sum, aux: result.metrics ?? {} };
  })(params);
  const metrics: Record<string, number | Scalar> = {};
  for (const [name, m] of Object.entries(aux))
    metrics[name] = isTensor(m) ? mul<Scalar>(m, weight) : (m as number) * weight;
  return { sum: value, weight, grads, metrics };
}

function addUp(a: SummedGradients, b: SummedGradients): SummedGradients {
  const metrics: Record<string, number | Scalar> = {};
  for (const name of new Set([...Object.keys(a.metrics), ...Object.keys(b.metrics)])) {
    const [x, y] = [a.metrics[name] ?? 0, b.metrics[name] ?? 0];
    metrics[name] = typeof x === 'number' && typeof y === 'number' ? x + y : add<Scalar>(x, y);
  }
  return {
    sum: add<Scalar>(a.sum, b.sum),
    weight: a.weight + b.weight,
    grads: zipTree(a.grads, b.grads, (x, y) => add(x, y as Tensor)) as Params,
    metrics,
  };
}

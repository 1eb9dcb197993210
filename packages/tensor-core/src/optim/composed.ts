/**
 * The frame of optimisers that are compositions of tensor ops: one rule per leaf, everything in one scope.
 */
import { add, mul, type Scalar, scalar, sub, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Params } from '../tree/params.ts';
import { checkUpdate, gradientOf, type Leaf, leafCache, trainedLeaves, zeroStep } from './leaves.ts';
import type { Optimizer, OptimizerState, UpdateOptions } from './optimizer.ts';
import type { OptimizerOptions } from './options.ts';

export interface Moment {
  readonly leaf: Leaf;
  /** scaled already */
  readonly gradient: Tensor;
  readonly state: OptimizerState;
  /** the learning rate of this leaf, a scalar */
  readonly rate: Tensor;
  /** the number of this update, counted from 1, a scalar */
  readonly step: Tensor;
}

export interface Rule<O extends Required<OptimizerOptions>> {
  readonly options: O;
  /** The branches of the state, without `step`. */
  branches(leaves: readonly Leaf[]): Params;
  /** Updates one leaf and its state with `assign`. Runs in a scope. */
  apply(moment: Moment): void;
}

export function composed<O extends Required<OptimizerOptions>>(rule: Rule<O>): Optimizer {
  const leavesOf = leafCache(rule.options);
  return {
    options: rule.options,
    init: (params) => ({ ...rule.branches(trainedLeaves(params, rule.options)), step: zeroStep() }),
    update: (params, grads, state, learningRate, o = {}) =>
      tidy(() => {
        checkUpdate(state, learningRate);
        const step = nextStep(state);
        for (const leaf of leavesOf(params)) rule.apply(momentOf(leaf, grads, state, learningRate, o, step));
      }),
  };
}

/** Adds one to the state's counter; the result is a plain tensor of the enclosing scope. */
function nextStep(state: OptimizerState): Tensor {
  const step = add(state.step, 1);
  state.step.assign(step);
  return step;
}

/** All that a rule needs for one leaf. */
export function momentOf(
  leaf: Leaf,
  grads: Params,
  state: OptimizerState,
  learningRate: number | Scalar,
  { gradientScale }: UpdateOptions,
  step: Tensor,
): Moment {
  const raw = gradientOf(grads, leaf);
  return {
    leaf,
    gradient: gradientScale === undefined ? raw : mul(raw, gradientScale),
    state,
    rate:
      typeof learningRate === 'number'
        ? scalar(learningRate * leaf.learningRateScale)
        : mul(learningRate, leaf.learningRateScale),
    step,
  };
}

/** a + weight·(b − a) */
export const lerp = (a: Tensor, b: Tensor, weight: number | Tensor): Tensor => add(a, mul(sub(b, a), weight));

/** p·(1 − rate·λ): decoupled weight decay. */
export function decayed({ leaf: { parameter, weightDecay }, rate }: Moment): Tensor {
  return weightDecay === 0 ? parameter : mul(parameter, sub(1, mul(rate, weightDecay)));
}

/**
 * What an optimiser is: it makes its state for a tree of parameters and updates both in place. The state is itself a
 * tree of variables, so checkpoints save it as they save parameters.
 */
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { Params } from '../tree/params.ts';
import type { OptimizerOptions } from './options.ts';

/** `step` counts the updates done (a float32 scalar: exact up to 2²⁴); the other branches are named after what they hold. */
export type OptimizerState = Params & { step: Variable };

/** How one update differs from the others. */
export interface UpdateOptions {
  /** a scalar that every gradient is multiplied with first: clipping, or the mean of accumulated sums */
  gradientScale?: Tensor;
}

/** An update rule over a whole tree. It holds options only; what it remembers is in the state, which the caller owns. */
export interface Optimizer {
  /** all options, defaults included: printed and saved with the run */
  readonly options: Required<OptimizerOptions>;
  /**
   * The state before the first update.
   * @param params variables that will be updated, or tensors of the same shapes; only floats of them are trained
   * @returns variables that the caller disposes (`disposeTree`)
   */
  init(params: Params): OptimizerState;
  /**
   * One update, in place.
   * @param params the tree of variables (`variables(params)`)
   * @param grads tensors at the same paths; not disposed
   * @param state as `init` made it for this tree; `step` goes up by one
   * @param learningRate a number, or a scalar that is read when the update runs (a captured step replays with it)
   * @throws ShapeError where a gradient is missing or has another shape, or a tensor was disposed; ConfigError where a
   * parameter is no variable, or for a learning rate that is negative or no finite number
   */
  update(params: Params, grads: Params, state: OptimizerState, learningRate: number | Scalar, o?: UpdateOptions): void;
}

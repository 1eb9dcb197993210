import type { Tensor } from '@tensorflow/tfjs-core';
import type { Rng } from '../random/rng.ts';

/**
 * A batch of distributions, described by tensors that it neither keeps alive nor disposes: it is valid as long as they
 * are. Every result is a new tensor that the caller disposes; all but `sample` of discrete values and `mode` are
 * differentiable in the parameters.
 */
export interface Distribution<A extends Tensor = Tensor> {
  /** One value for each distribution of the batch. */
  sample(rng: Rng): A;
  /** Log-probability, or log-density summed over the last axis, of a value for each: the batch's shape. */
  logProb(value: A): Tensor;
  /** In nats: the batch's shape. */
  entropy(): Tensor;
  /** KL(this ‖ other) in nats: the batch's shape. */
  kl(other: this): Tensor;
  /** The most probable value. */
  mode(): A;
}

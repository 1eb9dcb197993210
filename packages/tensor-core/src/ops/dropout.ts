// Dropout (Srivastava et al. 2014), inverted: what stays is divided by the chance of staying. The randomness is an
// argument, so that equal seeds give equal runs on every backend.

import { cast, clone, greaterEqual, mul, type Tensor } from '@tensorflow/tfjs-core';
import { checkDtype, checkGiven, checkNumber, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused1 } from './internal/fused-op.ts';
import { defineKernel, runKernel1 } from './internal/kernel.ts';

/** The part of a random stream that dropout uses. */
export interface UniformSource {
  /** Uniform numbers of [0, 1), float32; the caller disposes them. */
  uniformTensor(shape: number[]): Tensor;
}

type Rate = { rate: number };

const compose = (inputs: { [name: string]: Tensor }, { rate }: Rate): Tensor[] => {
  const { x, noise } = inputs as { x: Tensor; noise: Tensor };
  return [mul(x, mul(cast(greaterEqual(noise, rate), 'float32'), 1 / (1 - rate)))];
};

const dropoutGrad = defineKernel<Rate>('DropoutGrad', compose);

const dropoutOp = defineFusedOp<Rate>({
  name: 'Dropout',
  compose,
  saveInputs: ['noise'],
  gradient: ({ dys, inputs, attributes }) => ({
    x: () => runKernel1(dropoutGrad, { x: dys[0] as Tensor, noise: inputs.noise as Tensor }, attributes),
  }),
});

/**
 * Sets each element to 0 with chance `rate` and divides the others by 1 − rate.
 * @param x any shape, float32
 * @param rate in [0, 1); 0 gives x as it is, and draws nothing
 * @param rng where the uniform numbers come from; one is drawn for each element
 * @returns x's shape; the caller disposes it
 * @throws ConfigError for a rate outside [0, 1), or above 0 without a stream
 */
export function dropout<T extends Tensor>(x: T, rate: number, rng: UniformSource): T {
  checkNumber('dropout', 'rate', rate, rate >= 0 && rate < 1, 'a number in [0, 1)');
  checkDtype('dropout', 'x', x, 'float32');
  if (rate === 0) return clone(x) as T;
  const drawsNumbers = typeof rng?.uniformTensor === 'function';
  checkGiven('dropout', 'there is no stream to draw from', rng, drawsNumbers, 'an Rng', 'Pass one: rng(seed)');
  const noise = rng.uniformTensor(x.shape);
  checkDtype('dropout', 'what the stream gives', noise, 'float32');
  checkShape('dropout', 'what the stream gives', noise, x.shape, 'like x');
  const y = runFused1(dropoutOp, { x, noise }, { rate });
  noise.dispose();
  return y as T;
}

// The squashed Gaussian policy head (cc/kernels/policy_head.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';

const SQUASHED_GAUSSIAN = op('squashed_gaussian');
const SQUASHED_GAUSSIAN_GRAD = op('squashed_gaussian_grad');

interface Limits {
  minLogStd: number;
  maxLogStd: number;
}

type Named<K extends string> = { [name in K]: TensorInfo };

const forward = nativeKernel<Named<'parameters' | 'noise'>, Limits>(
  'SquashedGaussian',
  ({ inputs: { parameters, noise }, attrs }) => {
    const [rows, n] = noise.shape as [number, number];
    const [action, logProb] = [backend.output([rows, n]), backend.output([rows])];
    emit(
      SQUASHED_GAUSSIAN,
      backend.address(parameters),
      backend.address(noise),
      backend.address(action),
      backend.address(logProb),
      rows,
      n,
      attrs.minLogStd,
      attrs.maxLogStd,
    );
    return [action, logProb];
  },
);

const backward = nativeKernel<Named<'dAction' | 'dLogProb' | 'parameters' | 'noise' | 'action'>, Limits>(
  'SquashedGaussianGrad',
  ({ inputs, attrs }) => {
    const [rows, n] = inputs.noise.shape as [number, number];
    const out = backend.output(inputs.parameters.shape);
    emit(
      SQUASHED_GAUSSIAN_GRAD,
      backend.address(inputs.dAction),
      backend.address(inputs.dLogProb),
      backend.address(inputs.parameters),
      backend.address(inputs.noise),
      backend.address(inputs.action),
      backend.address(out),
      rows,
      n,
      attrs.minLogStd,
      attrs.maxLogStd,
    );
    return out;
  },
);

export const kernels: readonly KernelConfig[] = [forward, backward];

// Gradients of sums, means and extremes (cc/kernels/reduce_grad.cc). The formulas stand at the gradients,
// tensor-core/src/gap/reduction-gradients.ts.
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';

const SPREAD = op('reduce_spread');
const EXTREME_GRAD = op('reduce_extreme_grad');

interface Reduction {
  shape: number[];
  outer: number;
  n: number;
  inner: number;
}

export const kernels: readonly KernelConfig[] = [
  nativeKernel<{ dy: TensorInfo }, Reduction & { scale: number }>('ReduceSpread', ({ inputs: { dy }, attrs }) => {
    const { outer, n, inner, scale } = attrs;
    const dx = backend.output(attrs.shape);
    emit(SPREAD, backend.address(dy), backend.address(dx), outer, n, inner, scale);
    return dx;
  }),
  nativeKernel<{ dy: TensorInfo; x: TensorInfo; y: TensorInfo }, Reduction>(
    'ReduceExtremeGrad',
    ({ inputs: { dy, x, y }, attrs: { outer, n, inner } }) => {
      const dx = backend.output(x.shape);
      emit(
        EXTREME_GRAD,
        backend.address(dy),
        backend.address(x),
        backend.address(y),
        backend.address(dx),
        outer,
        n,
        inner,
      );
      return dx;
    },
  ),
];

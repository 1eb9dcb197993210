// The gradient of softmax (cc/kernels/fused_softmax_grad.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { nativeKernel } from '../kernels/host.ts';
import { sizeOf } from '../kernels/shapes.ts';

const SOFTMAX_GRAD = op('softmax_grad');

export const kernels: readonly KernelConfig[] = [
  nativeKernel<{ dy: TensorInfo; y: TensorInfo }, object>('SoftmaxGrad', ({ inputs: { dy, y } }) => {
    const dx = backend.output(y.shape);
    const n = y.shape[y.shape.length - 1] ?? 1;
    const rows = n === 0 ? 0 : sizeOf(y.shape) / n;
    emit(SOFTMAX_GRAD, backend.address(dy), backend.address(y), backend.address(dx), rows, n);
    return [dx];
  }),
];

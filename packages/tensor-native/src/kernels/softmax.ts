// Softmax and its logarithm over the last dimension (cc/kernels/softmax.cc).
import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { castTo } from './cast.ts';
import { nativeKernel } from './host.ts';
import { sizeOf } from './shapes.ts';

interface Inputs {
  logits: TensorInfo;
}

function overRows(operation: number, logits: TensorInfo, axis: number, name: string): TensorInfo {
  const { shape } = logits;
  const last = shape.length - 1;
  if (axis !== -1 && axis !== last)
    throw new Error(
      `${name} along a non-last dimension is not yet supported. Logits was rank ${shape.length} and dim was ${axis}`,
    );
  const x = castTo(logits, 'float32');
  const out = backend.output(shape);
  const n = shape[last] ?? 1;
  emit(operation, backend.address(x), backend.address(out), n === 0 ? 0 : sizeOf(shape) / n, n);
  backend.disposeData(x.dataId);
  return out;
}

const softmax = op('softmax');
const logSoftmax = op('log_softmax');

export const kernels: KernelConfig[] = [
  nativeKernel<Inputs, { dim: number }>('Softmax', ({ inputs, attrs }) =>
    overRows(softmax, inputs.logits, attrs.dim, 'Softmax'),
  ),
  nativeKernel<Inputs, { axis: number }>('LogSoftmax', ({ inputs, attrs }) =>
    overRows(logSoftmax, inputs.logits, attrs.axis, 'LogSoftmax'),
  ),
];

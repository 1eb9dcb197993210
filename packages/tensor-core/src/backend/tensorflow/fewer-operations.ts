// Kernels of tfjs-node that run an operation where there is nothing to do.
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { overrideKernel } from '../../gap/kernel-override.ts';
import { sameShape } from '../../ops/internal/check.ts';
import { registeredName } from './load.node.ts';

/** A reshape to the same shape and a cast to the same type give the tensor itself. */
export function fewerOperations(): void {
  const same = (x: TensorInfo, backend: unknown): TensorInfo => {
    (backend as KernelBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  };
  overrideKernel(registeredName, 'Reshape', (stock) => (params) => {
    const x = params.inputs.x as TensorInfo;
    return sameShape(x.shape, params.attrs?.shape as number[]) ? same(x, params.backend) : stock(params);
  });
  overrideKernel(registeredName, 'Cast', (stock) => (params) => {
    const x = params.inputs.x as TensorInfo;
    return x.dtype === params.attrs?.dtype ? same(x, params.backend) : stock(params);
  });
}

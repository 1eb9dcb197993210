// What tfjs's cpu kernels get wrong. A backend that falls back to them inherits it.
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';

export function repairCpuKernels(backendName: string): void {
  // writes into its input; elsewhere it works on a copy
  if (backendName === 'cpu')
    overrideKernel(backendName, 'TensorScatterUpdate', (stock) => (params) => {
      const backend = params.backend as KernelBackend;
      const x = params.inputs.tensor as TensorInfo;
      const copy = {
        ...x,
        dataId: backend.write(backend.readSync(x.dataId).slice() as Float32Array, x.shape, x.dtype),
      };
      const out = stock({ ...params, inputs: { ...params.inputs, tensor: copy } }) as TensorInfo;
      if (out.dataId !== copy.dataId) backend.disposeData(copy.dataId);
      return out;
    });
  // right numbers, height and width exchanged in the shape
  overrideKernel(backendName, 'ResizeBilinearGrad', restoreShape);
}

const restoreShape =
  (stock: KernelFunc): KernelFunc =>
  (params) => ({ ...(stock(params) as TensorInfo), shape: (params.inputs.images as TensorInfo).shape });

// Cumulative sums and products along an axis that is counted from the end: tfjs's cpu kernels give a shape without that
// axis, its wasm kernels read outside of their memory.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';

export function repairScanAxes(backendName: string): void {
  for (const name of ['Cumsum', 'Cumprod']) {
    overrideKernel(backendName, name, (stock) => (params) => {
      const { axis } = params.attrs as { axis: number };
      if (axis >= 0) return stock(params);
      const rank = (params.inputs.x as TensorInfo).shape.length;
      return stock({ ...params, attrs: { ...params.attrs, axis: axis + rank } });
    });
  }
}

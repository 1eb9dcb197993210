// argMax and argMin of a row with a NaN pass over it, as tfjs's own tests say; its kernels do not where the NaN comes
// first: they then answer 0. Among nothing but NaN the answer is 0.
import { type KernelBackend, type KernelFunc, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { overrideKernel } from './kernel-override.ts';

export function repairArgExtremes(backendName: string): void {
  for (const kernelName of ['ArgMax', 'ArgMin']) {
    overrideKernel(backendName, kernelName, (stock) => (params) => {
      const x = params.inputs.x as TensorInfo;
      // whole numbers have no NaN
      return x.dtype === 'float32' ? argExtreme(kernelName === 'ArgMax' ? 1 : -1)(params) : stock(params);
    });
  }
}

/** x [outer, n, inner] → the position along n of the largest of sign·x, the first of equal ones. */
function argExtreme(sign: 1 | -1): KernelFunc {
  return ({ inputs, attrs, backend: any }) => {
    const backend = any as KernelBackend;
    const x = inputs.x as TensorInfo;
    const axis = util.parseAxisParam((attrs?.axis ?? 0) as number, x.shape)[0] ?? 0;
    const n = x.shape[axis] ?? 1;
    const inner = x.shape.slice(axis + 1).reduce((product, d) => product * d, 1);
    const outer = x.shape.slice(0, axis).reduce((product, d) => product * d, 1);
    const values = backend.readSync(x.dataId) as Float32Array;
    const out = new Int32Array(outer * inner);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const start = o * n * inner + i;
        let [best, at] = [values[start] ?? 0, 0];
        for (let j = 1; j < n; j++) {
          const v = values[start + j * inner] ?? 0;
          if (sign * v > sign * best || (Number.isNaN(best) && !Number.isNaN(v))) [best, at] = [v, j];
        }
        out[o * inner + i] = at;
      }
    }
    const shape = x.shape.filter((_, d) => d !== axis);
    return { dataId: backend.write(out, shape, 'int32'), shape, dtype: 'int32' };
  };
}

// Reductions over an axis of no elements. tfjs's wasm kernels leave their output unwritten (values that change from run
// to run), its cpu kernels answer 0 for a mean and false for `all`. Here, on every backend: sum 0, product 1, any
// false, all true; mean, max and min NaN, as nothing has none (a NaN guard sees it); argMax and argMin: a typed error.
import { type DataType, type KernelBackend, type NamedAttrMap, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import { overrideKernel, sizeOf } from './kernel-override.ts';

interface Rule {
  /** The attribute that names the axes. */
  axes: string;
  /** The neutral element. */
  value: number;
  dtype?: DataType;
}

const rules: Readonly<Record<string, Rule>> = {
  Sum: { axes: 'axis', value: 0 },
  Prod: { axes: 'axis', value: 1 },
  Mean: { axes: 'axis', value: Number.NaN, dtype: 'float32' },
  Max: { axes: 'reductionIndices', value: Number.NaN },
  Min: { axes: 'axis', value: Number.NaN },
  All: { axes: 'axis', value: 1 },
  Any: { axes: 'axis', value: 0 },
};

export function repairEmptyReductions(backendName: string): void {
  for (const [kernelName, rule] of Object.entries(rules)) {
    overrideKernel(backendName, kernelName, (stock) => (params) => {
      const x = params.inputs.x as TensorInfo;
      if (!x.shape.includes(0)) return stock(params);
      return constant(params.backend as KernelBackend, x, params.attrs ?? {}, rule);
    });
  }
  for (const kernelName of ['ArgMax', 'ArgMin']) {
    overrideKernel(backendName, kernelName, (stock) => (params) => {
      const x = params.inputs.x as TensorInfo;
      const axis = util.parseAxisParam((params.attrs?.axis ?? 0) as number, x.shape)[0] ?? 0;
      if (x.shape[axis] === 0) {
        const where = kernelName === 'ArgMax' ? 'argMax' : 'argMin';
        throw new ShapeError({ where, what: `axis ${axis} has no elements`, got: x.shape, wanted: 'at least one' });
      }
      return stock(params);
    });
  }
}

function constant(
  backend: KernelBackend,
  x: TensorInfo,
  attrs: NamedAttrMap,
  { axes, value, dtype }: Rule,
): TensorInfo {
  const reduced = util.parseAxisParam((attrs[axes] ?? null) as number | number[], x.shape);
  const keepDims = attrs.keepDims === true;
  const shape = x.shape.flatMap((d, i) => (reduced.includes(i) ? (keepDims ? [1] : []) : [d]));
  const type = dtype ?? x.dtype;
  const values = util.getArrayFromDType(type as 'float32', sizeOf({ ...x, shape })).fill(value);
  return { dataId: backend.write(values, shape, type), shape, dtype: type };
}

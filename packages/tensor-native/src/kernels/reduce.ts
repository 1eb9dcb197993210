// Reductions over any axes, positions of extremes, running sums (cc/kernels/reduce.cc, scan.cc).
//
// Over an empty axis: sum 0, prod 1, all true, any false; mean, max and min NaN, as nothing has none.
import { backend_util, type KernelConfig, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { castTo, filled } from './cast.ts';
import { hostBody, nativeKernel } from './host.ts';
import { sizeOf, sortedAxes } from './shapes.ts';

interface Inputs {
  x: TensorInfo;
}

/** Neighbouring dimensions that are all kept or all reduced, merged; ones left out. */
function groups(shape: readonly number[], axes: readonly number[]): { size: number; reduced: boolean }[] {
  const merged: { size: number; reduced: boolean }[] = [];
  for (let i = 0; i < shape.length; i++) {
    const size = shape[i] as number;
    if (size === 1) continue;
    const reduced = axes.includes(i);
    const last = merged.at(-1);
    if (last && last.reduced === reduced) last.size *= size;
    else merged.push({ size, reduced });
  }
  return merged;
}

/** A shape without the reduced axes, or with ones in their place. */
function resultShape(shape: readonly number[], axes: number[], keepDims: boolean): number[] {
  const kept = shape.filter((_, i) => !axes.includes(i));
  return keepDims ? backend_util.expandShapeToKeepDim(kept, axes) : kept;
}

/**
 * Reduces `x` over `axes` (sorted); the result is multiplied by `scale` (float32 only).
 */
function reduced(operation: number, x: TensorInfo, axes: number[], keepDims: boolean, scale = 1): TensorInfo {
  const shape = resultShape(x.shape, axes, keepDims);
  const list = groups(x.shape, axes);
  let current = x;
  // several separate groups: the innermost first, each a command of its own
  for (;;) {
    let at = list.length - 1;
    while (at >= 0 && !list[at]?.reduced) at--;
    const n = at < 0 ? 1 : (list[at]?.size as number);
    const product = (part: { size: number }[]): number => part.reduce((size, group) => size * group.size, 1);
    const outer = product(list.slice(0, Math.max(at, 0)));
    const inner = product(list.slice(at + 1));
    list.splice(at, at < 0 ? 0 : 1);
    const last = !list.some((group) => group.reduced);
    const out = backend.output(last ? shape : [outer * inner], x.dtype);
    emit(operation, backend.address(current), backend.address(out), outer, n, inner, last ? scale : 1);
    if (current !== x) backend.disposeData(current.dataId);
    if (last) return out;
    current = out;
  }
}

const sumFloat = op('reduce_sum');
const sumInt = op('reduce_sum_int');

/** The sum over axes as a kernel gives it: bool counts as int32. */
export function summed(x: TensorInfo, axes: number[], keepDims = false, scale = 1): TensorInfo {
  if (x.dtype === 'float32') return reduced(sumFloat, x, axes, keepDims, scale);
  const whole = castTo(x, 'int32');
  const out = reduced(sumInt, whole, axes, keepDims);
  backend.disposeData(whole.dataId);
  return out;
}

const isReal = (x: TensorInfo): boolean => x.dtype === 'float32' || x.dtype === 'int32' || x.dtype === 'bool';
const hostSum = hostBody('Sum');
const hostMean = hostBody('Mean');
const hostProd = hostBody('Prod');
const prodFloat = op('reduce_prod');
const prodInt = op('reduce_prod_int');

const sums: KernelConfig[] = [
  nativeKernel<Inputs, { axis: number | number[]; keepDims: boolean }>('Sum', (call) => {
    const { x } = call.inputs;
    if (!isReal(x)) return hostSum(call);
    return summed(x, sortedAxes(call.attrs.axis, x.shape), call.attrs.keepDims);
  }),
  nativeKernel<Inputs, { axis: number | number[]; keepDims: boolean }>('Mean', (call) => {
    const { x } = call.inputs;
    if (!isReal(x)) return hostMean(call);
    const axes = sortedAxes(call.attrs.axis, x.shape);
    const count = sizeOf(axes.map((axis) => x.shape[axis] as number));
    const float = castTo(x, 'float32');
    const out = summed(float, axes, call.attrs.keepDims, 1 / count);
    backend.disposeData(float.dataId);
    return out;
  }),
  nativeKernel<Inputs, { axis: number | number[]; keepDims: boolean }>('Prod', (call) => {
    const { x } = call.inputs;
    if (!isReal(x)) return hostProd(call);
    const axes = sortedAxes(call.attrs.axis, x.shape);
    if (x.dtype === 'float32') return reduced(prodFloat, x, axes, call.attrs.keepDims);
    const whole = castTo(x, 'int32');
    const out = reduced(prodInt, whole, axes, call.attrs.keepDims);
    backend.disposeData(whole.dataId);
    return out;
  }),
];

function extreme(kernelName: string, name: string): KernelConfig {
  const float = op(`reduce_${name}`);
  const int = op(`reduce_${name}_int`);
  const host = hostBody(kernelName);
  return nativeKernel<Inputs, { reductionIndices?: number | number[]; axis?: number | number[]; keepDims: boolean }>(
    kernelName,
    (call) => {
      const { x } = call.inputs;
      if (x.dtype !== 'float32' && x.dtype !== 'int32') return host(call);
      const { reductionIndices, axis, keepDims } = call.attrs;
      const axes = sortedAxes(reductionIndices ?? axis, x.shape);
      if (axes.some((i) => x.shape[i] === 0)) return filled(resultShape(x.shape, axes, keepDims), Number.NaN, x.dtype);
      return reduced(x.dtype === 'float32' ? float : int, x, axes, keepDims);
    },
  );
}

function logical(kernelName: string, name: string): KernelConfig {
  const operation = op(`reduce_${name}`);
  const host = hostBody(kernelName);
  return nativeKernel<Inputs, { axis: number | number[]; keepDims: boolean }>(kernelName, (call) => {
    const { x } = call.inputs;
    if (x.dtype !== 'bool') return host(call);
    return reduced(operation, x, sortedAxes(call.attrs.axis, x.shape), call.attrs.keepDims);
  });
}

/** Sizes before, along and after an axis. */
function around(shape: readonly number[], axis: number): { outer: number; n: number; inner: number } {
  return {
    outer: sizeOf(shape.slice(0, axis)),
    n: shape[axis] ?? 1,
    inner: sizeOf(shape.slice(axis + 1)),
  };
}

function position(kernelName: string, name: string): KernelConfig {
  const float = op(`${name}_float`);
  const int = op(`${name}_int`);
  const host = hostBody(kernelName);
  return nativeKernel<Inputs, { axis: number | number[] }>(kernelName, (call) => {
    const { x } = call.inputs;
    if (x.dtype !== 'float32' && x.dtype !== 'int32') return host(call);
    const axis = util.parseAxisParam(call.attrs.axis, x.shape)[0] ?? 0;
    const { outer, n, inner } = around(x.shape, axis);
    const out = backend.output(
      x.shape.filter((_, i) => i !== axis),
      'int32',
    );
    emit(x.dtype === 'float32' ? float : int, backend.address(x), backend.address(out), outer, n, inner);
    return out;
  });
}

function scan(kernelName: string, name: string): KernelConfig {
  const float = op(`scan_${name}_float`);
  const int = op(`scan_${name}_int`);
  const host = hostBody(kernelName);
  return nativeKernel<Inputs, { axis: number; exclusive: boolean; reverse: boolean }>(kernelName, (call) => {
    const { x } = call.inputs;
    if (!isReal(x)) return host(call);
    const whole = x.dtype === 'bool' ? castTo(x, 'int32') : x;
    const axis = util.parseAxisParam(call.attrs.axis, x.shape)[0] ?? 0;
    const { outer, n, inner } = around(x.shape, axis);
    const out = backend.output(x.shape, whole.dtype);
    const { exclusive, reverse } = call.attrs;
    emit(
      whole.dtype === 'float32' ? float : int,
      backend.address(whole),
      backend.address(out),
      outer,
      n,
      inner,
      Number(exclusive),
      Number(reverse),
    );
    if (whole !== x) backend.disposeData(whole.dataId);
    return out;
  });
}

export const kernels: KernelConfig[] = [
  ...sums,
  extreme('Max', 'max'),
  extreme('Min', 'min'),
  logical('All', 'all'),
  logical('Any', 'any'),
  position('ArgMax', 'arg_max'),
  position('ArgMin', 'arg_min'),
  scan('Cumsum', 'sum'),
  scan('Cumprod', 'prod'),
];

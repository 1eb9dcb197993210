// Views and copies: what changes a tensor's shape or the order of its elements, never their values
// (cc/kernels/layout.cc).
import {
  backend_util,
  type KernelConfig,
  type MirrorPadAttrs,
  type PadV2Attrs,
  type ReshapeAttrs,
  type SliceAttrs,
  type SplitVAttrs,
  type StridedSliceAttrs,
  slice_util,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, op } from '../commands.ts';
import { filled } from './cast.ts';
import { hostBody, nativeKernel } from './host.ts';
import { bytesOf, contiguousSteps, isNumeric, sameShape, sizeOf } from './shapes.ts';

interface Inputs {
  x: TensorInfo;
}

const copy = op('copy');

/** Copies `dims` elements; offsets and steps in elements of both tensors (which have one type). */
function copyStrided(
  source: { tensor: TensorInfo; offset: number; steps: readonly number[] },
  target: { tensor: TensorInfo; offset: number; steps: readonly number[] },
  dims: readonly number[],
): void {
  const bytes = bytesOf(source.tensor);
  emit(
    copy,
    backend.address(source.tensor) + source.offset * bytes,
    backend.address(target.tensor) + target.offset * bytes,
    bytes,
    dims.length,
    ...dims,
    ...source.steps,
    ...target.steps,
  );
}

/** Elements of `x` at offset + steps · index, as a new contiguous tensor of the given shape. */
function gathered(x: TensorInfo, shape: number[], offset: number, steps: readonly number[]): TensorInfo {
  const out = backend.output(shape, x.dtype);
  copyStrided({ tensor: x, offset, steps }, { tensor: out, offset: 0, steps: contiguousSteps(shape) }, shape);
  return out;
}

/** The dimensions of `x` in another order: `result.shape[i] = x.shape[order[i]]`. */
export function transposed(x: TensorInfo, order: readonly number[]): TensorInfo {
  const shape = order.map((axis) => x.shape[axis] as number);
  // only ones move: the elements stay in their order
  const moving = order.filter((axis) => x.shape[axis] !== 1);
  if (moving.every((axis, i) => i === 0 || axis > (moving[i - 1] as number))) return backend.alias(x, shape);
  const steps = contiguousSteps(x.shape);
  return gathered(
    x,
    shape,
    0,
    order.map((axis) => steps[axis] as number),
  );
}

/** A box of `x`; the same storage when the box is all of it. */
export function sliced(x: TensorInfo, begin: readonly number[], size: number[]): TensorInfo {
  if (sameShape(size, x.shape)) return backend.alias(x, size);
  const steps = contiguousSteps(x.shape);
  let offset = 0;
  for (let i = 0; i < begin.length; i++) offset += (begin[i] as number) * (steps[i] as number);
  return gathered(x, size, offset, steps);
}

/** Tensors of one type joined along an axis. */
export function concatenated(tensors: readonly TensorInfo[], axis: number): TensorInfo {
  const [first] = tensors as [TensorInfo];
  const shape = first.shape.slice();
  shape[axis] = tensors.reduce((sum, t) => sum + (t.shape[axis] as number), 0);
  const out = backend.output(shape, first.dtype);
  const outer = sizeOf(shape.slice(0, axis));
  const row = sizeOf(shape.slice(axis));
  let offset = 0;
  for (const tensor of tensors) {
    const width = sizeOf(tensor.shape.slice(axis));
    if (width * outer > 0)
      copyStrided({ tensor, offset: 0, steps: [width, 1] }, { tensor: out, offset, steps: [row, 1] }, [outer, width]);
    offset += width;
  }
  return out;
}

/** `x` with a border of one value; the same storage when the border is empty. */
export function padded(x: TensorInfo, paddings: readonly [number, number][], value: number): TensorInfo {
  const shape = x.shape.map((dim, i) => {
    const [before, after] = paddings[i] as [number, number];
    return before + dim + after;
  });
  if (sameShape(shape, x.shape)) return backend.alias(x, shape);
  const out = filled(shape, value, x.dtype);
  if (sizeOf(x.shape) === 0) return out;
  const steps = contiguousSteps(shape);
  const offset = steps.reduce((sum, step, i) => sum + step * (paddings[i] as [number, number])[0], 0);
  copyStrided({ tensor: x, offset: 0, steps: contiguousSteps(x.shape) }, { tensor: out, offset, steps }, x.shape);
  return out;
}

/** Whole numbers from 0: what a command may take for sizes and places. */
const isCounts = (numbers: readonly number[]): boolean => numbers.every((n) => Number.isInteger(n) && n >= 0);

/** An axis that is named twice would be walked beyond its end. */
function refuseNoPermutation(order: readonly number[]): void {
  let seen = 0;
  for (let i = 0; i < order.length; i++) seen |= 1 << (order[i] as number);
  if (seen === (1 << order.length) - 1) return;
  throw new Error(`Error in transpose: perm must name each axis once, but got [${order}]`);
}

const host = {
  reshape: hostBody('Reshape'),
  expandDims: hostBody('ExpandDims'),
  slice: hostBody('Slice'),
  stridedSlice: hostBody('StridedSlice'),
  concat: hostBody('Concat'),
  pack: hostBody('Pack'),
  unpack: hostBody('Unpack'),
  splitV: hostBody('SplitV'),
  transpose: hostBody('Transpose'),
  tile: hostBody('Tile'),
  reverse: hostBody('Reverse'),
  pad: hostBody('PadV2'),
  mirrorPad: hostBody('MirrorPad'),
};

const views: KernelConfig[] = [
  nativeKernel<Inputs>('Identity', ({ inputs: { x } }) => backend.alias(x, x.shape)),
  nativeKernel<Inputs, ReshapeAttrs>('Reshape', (call) => {
    const { x } = call.inputs;
    if (x.dtype === 'complex64') return host.reshape(call);
    const size = sizeOf(x.shape);
    const shape = util.inferFromImplicitShape(call.attrs.shape, size);
    util.assert(
      size === sizeOf(shape),
      () =>
        `The new shape (${shape}) has ${sizeOf(shape)} elements and the old shape (${x.shape}) has ${size} elements. ` +
        'The new shape and old shape must have the same number of elements.',
    );
    return backend.alias(x, shape);
  }),
  nativeKernel<{ input: TensorInfo }, { dim: number }>('ExpandDims', (call) => {
    const { input } = call.inputs;
    if (input.dtype === 'complex64') return host.expandDims(call);
    const { dim } = call.attrs;
    const rank = input.shape.length;
    util.assert(-(rank + 1) <= dim, () => `Axis must be in the interval [${-(rank + 1)}, ${rank}]`);
    const shape = input.shape.slice();
    shape.splice(dim < 0 ? rank + dim + 1 : dim, 0, 1);
    return backend.alias(input, shape);
  }),
];

const parts: KernelConfig[] = [
  nativeKernel<Inputs, SliceAttrs>('Slice', (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return host.slice(call);
    const [begin, size] = slice_util.parseSliceParams(x as never, call.attrs.begin, call.attrs.size);
    slice_util.assertParamsValid(x as never, begin as number[], size as number[]);
    // from the end, as the cpu kernel happens to take it: memory before the tensor is not ours to read
    if (!isCounts(begin as number[]) || !isCounts(size as number[])) return host.slice(call);
    return sliced(x, begin as number[], size as number[]);
  }),
  nativeKernel<Inputs, StridedSliceAttrs>('StridedSlice', (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return host.stridedSlice(call);
    const a = call.attrs;
    const info = slice_util.sliceInfo(
      x.shape,
      a.begin,
      a.end,
      a.strides,
      a.beginMask,
      a.endMask,
      a.ellipsisMask,
      a.newAxisMask,
      a.shrinkAxisMask,
    );
    if (info.isIdentity) return backend.alias(x, info.finalShape);
    const shape = slice_util.computeOutShape(info.begin, info.end, info.strides);
    const steps = contiguousSteps(x.shape);
    let offset = 0;
    for (let i = 0; i < steps.length; i++) offset += (info.begin[i] as number) * (steps[i] as number);
    const out = backend.output(info.finalShape, x.dtype);
    if (sizeOf(shape) > 0)
      copyStrided(
        { tensor: x, offset, steps: steps.map((step, i) => step * (info.strides[i] as number)) },
        { tensor: out, offset: 0, steps: contiguousSteps(shape) },
        shape,
      );
    return out;
  }),
  nativeKernel<Inputs, SplitVAttrs>('SplitV', (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return host.splitV(call);
    const axis = util.parseAxisParam(call.attrs.axis, x.shape)[0] as number;
    const sizes = backend_util.prepareSplitSize(x as never, call.attrs.numOrSizeSplits, axis);
    const begin = new Array<number>(x.shape.length).fill(0);
    return sizes.map((width) => {
      const size = x.shape.slice();
      size[axis] = width;
      const part = sliced(x, begin, size);
      begin[axis] = (begin[axis] as number) + width;
      return part;
    });
  }),
  nativeKernel<{ value: TensorInfo }, { axis: number }>('Unpack', (call) => {
    const { value } = call.inputs;
    if (!isNumeric(value)) return host.unpack(call);
    const axis = call.attrs.axis < 0 ? call.attrs.axis + value.shape.length : call.attrs.axis;
    const count = value.shape[axis] as number;
    const shape = value.shape.filter((_, i) => i !== axis);
    const inner = sizeOf(shape.slice(axis));
    const steps = contiguousSteps(value.shape).filter((_, i) => i !== axis);
    return Array.from({ length: count }, (_, i) => gathered(value, shape, i * inner, steps));
  }),
];

const joins: KernelConfig[] = [
  nativeKernel<TensorInfo[], { axis: number }>('Concat', (call) => {
    const tensors = call.inputs;
    const [first] = tensors as [TensorInfo];
    if (!isNumeric(first) || tensors.some((t) => t.dtype !== first.dtype)) return host.concat(call);
    const axis = util.parseAxisParam(call.attrs.axis, first.shape)[0] as number;
    const shapes = tensors.map((t) => t.shape);
    backend_util.assertParamsConsistent(shapes, axis);
    const shape = backend_util.computeOutShape(shapes, axis);
    if (sizeOf(shape) === 0) return backend.output(shape, first.dtype);
    const filledOnes = tensors.filter((t) => sizeOf(t.shape) > 0);
    const [only] = filledOnes;
    return filledOnes.length === 1 ? backend.alias(only as TensorInfo, shape) : concatenated(filledOnes, axis);
  }),
  nativeKernel<TensorInfo[], { axis: number }>('Pack', (call) => {
    const tensors = call.inputs;
    const [first] = tensors as [TensorInfo];
    if (!isNumeric(first) || tensors.some((t) => t.dtype !== first.dtype)) return host.pack(call);
    for (const { shape } of tensors)
      util.assertShapesMatch(first.shape, shape, 'All tensors passed to stack must have matching shapes');
    const axis = call.attrs.axis < 0 ? call.attrs.axis + first.shape.length + 1 : call.attrs.axis;
    const shape = first.shape.slice();
    shape.splice(axis, 0, 1);
    return concatenated(
      tensors.map((t) => ({ ...t, shape })),
      axis,
    );
  }),
];

const orders: KernelConfig[] = [
  nativeKernel<Inputs, { perm: number[] }>('Transpose', (call) => {
    const { x } = call.inputs;
    refuseNoPermutation(call.attrs.perm);
    return isNumeric(x) ? transposed(x, call.attrs.perm) : host.transpose(call);
  }),
  nativeKernel<Inputs, { reps: number[] }>('Tile', (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return host.tile(call);
    const { reps } = call.attrs;
    const steps = contiguousSteps(x.shape);
    const shape = x.shape.map((dim, i) => dim * (reps[i] as number));
    // every dimension becomes [repetition, element]
    const dims = x.shape.flatMap((dim, i) => [reps[i] as number, dim]);
    const from = steps.flatMap((step) => [0, step]);
    const out = backend.output(shape, x.dtype);
    copyStrided({ tensor: x, offset: 0, steps: from }, { tensor: out, offset: 0, steps: contiguousSteps(dims) }, dims);
    return out;
  }),
  nativeKernel<Inputs, { dims: number | number[] }>('Reverse', (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return host.reverse(call);
    const steps = contiguousSteps(x.shape);
    let offset = 0;
    for (const axis of util.parseAxisParam(call.attrs.dims, x.shape)) {
      offset += (steps[axis] as number) * Math.max(0, (x.shape[axis] as number) - 1);
      steps[axis] = -(steps[axis] as number);
    }
    return x.shape.length === 0 ? backend.alias(x, x.shape) : gathered(x, x.shape, offset, steps);
  }),
];

const pads: KernelConfig[] = [
  nativeKernel<Inputs, PadV2Attrs>('PadV2', (call) => {
    const { x } = call.inputs;
    // a negative border cuts, on the host
    if (!isNumeric(x) || !call.attrs.paddings.every(isCounts)) return host.pad(call);
    return padded(x, call.attrs.paddings, call.attrs.constantValue);
  }),
  nativeKernel<Inputs, MirrorPadAttrs>('MirrorPad', (call) => {
    const { x } = call.inputs;
    if (!isNumeric(x)) return host.mirrorPad(call);
    const { paddings, mode } = call.attrs;
    const shape = x.shape.map(
      (dim, i) => dim + (paddings[i] as [number, number])[0] + (paddings[i] as [number, number])[1],
    );
    const out = backend.output(shape, x.dtype);
    const steps = contiguousSteps(shape);
    const start = paddings.map(([before]) => before);
    const size = x.shape.slice();
    const offsetOf = (at: readonly number[]): number => at.reduce((sum, i, d) => sum + i * (steps[d] as number), 0);
    copyStrided(
      { tensor: x, offset: 0, steps: contiguousSteps(x.shape) },
      { tensor: out, offset: offsetOf(start), steps },
      size,
    );
    // one axis after another: its edges are copied from what is there, which spans the axes already done
    const skipped = mode === 'reflect' ? 1 : 0; // reflect leaves the border element itself out
    for (let axis = 0; axis < shape.length; axis++) {
      const [before, after] = paddings[axis] as [number, number];
      const length = x.shape[axis] as number;
      const backwards = steps.map((step, i) => (i === axis ? -step : step));
      const edge = (width: number, from: number, to: number): void => {
        const region = size.slice();
        region[axis] = width;
        const at = (position: number): number => offsetOf(start.map((s, i) => (i === axis ? position : s)));
        if (width > 0)
          copyStrided(
            { tensor: out, offset: at(from), steps: backwards },
            { tensor: out, offset: at(to), steps },
            region,
          );
      };
      edge(before, 2 * before - 1 + skipped, 0);
      edge(after, before + length - 1 - skipped, before + length);
      start[axis] = 0;
      size[axis] = shape[axis] as number;
    }
    return out;
  }),
];

export const kernels: KernelConfig[] = [...views, ...parts, ...joins, ...orders, ...pads];

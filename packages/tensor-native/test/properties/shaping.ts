// Cases of kernels that move, join, pick and count elements, and of reductions: any rank, any axes, empty tensors.
import * as tf from '@tensorflow/tfjs-core';
import type { Case } from './compare.ts';
import type { Draw, ValueOptions } from './draw.ts';

const TYPES = ['float32', 'int32', 'bool'] as const;

/** A function of one tensor of any type and of something drawn from its shape. */
function shaped<A>(
  choose: (draw: Draw, shape: number[]) => A,
  f: (x: tf.Tensor, choice: A) => tf.Tensor | tf.Tensor[],
  ranks: [number, number] = [0, 7],
  o: { min?: number; max?: number; types?: readonly ('float32' | 'int32' | 'bool')[] } = {},
): (draw: Draw) => Case {
  return (draw) => {
    const shape = draw.shape(ranks, { min: o.min ?? (draw.flag() ? 1 : 0), ...(o.max ? { max: o.max } : {}) });
    const choice = choose(draw, shape);
    const values: ValueOptions = { dtype: draw.pick(o.types ?? TYPES), low: -9, high: 9 };
    return { inputs: [draw.values(shape, values)], run: (x) => f(x, choice) };
  };
}

const order = (draw: Draw, shape: number[]): number[] => {
  const axes = shape.map((_, i) => i);
  return shape.map(() => axes.splice(draw.int(0, axes.length - 1), 1)[0] as number);
};
const box = (draw: Draw, shape: number[]): [number[], number[]] => {
  const begin = shape.map((dim) => draw.int(0, dim));
  return [begin, shape.map((dim, i) => draw.int(0, dim - (begin[i] as number)))];
};
const axisOf = (draw: Draw, shape: number[]): number => draw.int(0, shape.length - 1);

type Reduction = (x: tf.Tensor, axis?: number | number[], keepDims?: boolean) => tf.Tensor;

function reduction(f: Reduction, values: ValueOptions, o: { min?: number; tolerance?: number } = {}) {
  return (draw: Draw): Case => {
    const shape = draw.shape([0, 7], { min: o.min ?? (draw.flag() ? 1 : 0) });
    const axes = draw.axes(shape.length);
    const keep = draw.flag();
    const special = draw.flag() && values.dtype === undefined ? 0.02 : 0;
    return {
      inputs: [draw.values(shape, { special, ...values })],
      run: (x) => f(x, axes, keep),
      tolerance: o.tolerance ?? 1e-5,
    };
  };
}

/** Larger than a block of the kernels, so that pieces are put together. */
function longReduction(f: Reduction, shapes: number[][]): (draw: Draw) => Case {
  return (draw) => {
    const shape = draw.pick(shapes);
    const axis = draw.int(0, shape.length - 1);
    return { inputs: [draw.values(shape, { low: 0 })], run: (x) => f(x, axis), tolerance: 2e-5 };
  };
}

function running(
  f: (x: tf.Tensor, axis: number, exclusive: boolean, reverse: boolean) => tf.Tensor,
  values: ValueOptions,
) {
  return (draw: Draw): Case => {
    const shape = draw.shape([1, 5], { min: draw.flag() ? 1 : 0 });
    const [axis, exclusive, reverse] = [axisOf(draw, shape), draw.flag(), draw.flag()];
    return { inputs: [draw.values(shape, values)], run: (x) => f(x, axis, exclusive, reverse), tolerance: 1e-5 };
  };
}

const int: ValueOptions = { dtype: 'int32', low: -9, high: 9 };
const LONG = [[140000], [1500, 7], [1500, 70], [2, 600, 300], [5, 9000]];

export const shaping: Record<string, (draw: Draw) => Case> = {
  clone: shaped(() => 0, tf.clone),
  reshape: shaped(
    () => 0,
    (x) => tf.reshape(x, [x.size]),
  ),
  expandDims: shaped(
    (draw, shape) => draw.int(-shape.length - 1, shape.length),
    (x, axis) => tf.expandDims(x, axis),
  ),
  transpose: shaped(order, (x, perm) => tf.transpose(x, perm)),
  'transpose of matrices': shaped(
    () => 0,
    (x) => tf.transpose(x),
    [2, 2],
    { max: 150 },
  ),
  slice: shaped(box, (x, [begin, size]) => tf.slice(x, begin, size), [1, 6]),
  stridedSlice: shaped(
    (draw, shape) => {
      const strides = shape.map(() => draw.pick([1, 2, 3, -1, -2]));
      const begin = shape.map((dim) => draw.int(-dim, dim));
      const end = shape.map((dim) => draw.int(-dim, dim));
      return { begin, end, strides, masks: [draw.int(0, 15), draw.int(0, 15)] as const };
    },
    (x, { begin, end, strides, masks }) => tf.stridedSlice(x, begin, end, strides, masks[0], masks[1]),
    [1, 5],
    { min: 1 },
  ),
  split: shaped(
    (draw, shape) => {
      const axis = axisOf(draw, shape);
      const first = draw.int(0, shape[axis] as number);
      return { axis, sizes: [first, (shape[axis] as number) - first] };
    },
    (x, { axis, sizes }) => tf.split(x, sizes, axis),
    [1, 6],
  ),
  unstack: shaped(axisOf, (x, axis) => tf.unstack(x, axis), [1, 5], { min: 1 }),
  reverse: shaped(
    (draw, shape) => draw.axes(shape.length),
    (x, axes) => tf.reverse(x, axes),
  ),
  tile: shaped(
    (draw, shape) => shape.map(() => draw.int(0, 3)),
    (x, reps) => tf.tile(x, reps),
    [1, 5],
  ),
  pad: shaped(
    (draw, shape) => shape.map((): [number, number] => [draw.int(0, 3), draw.int(0, 3)]),
    (x, paddings) => tf.pad(x, paddings, 1),
    [1, 6],
  ),
  mirrorPad: shaped(
    (draw, shape) => {
      const mode = draw.pick(['reflect', 'symmetric'] as const);
      const limit = (dim: number): number => (mode === 'reflect' ? dim - 1 : dim);
      return {
        mode,
        paddings: shape.map((dim): [number, number] => [draw.int(0, limit(dim)), draw.int(0, limit(dim))]),
      };
    },
    (x, { mode, paddings }) => tf.mirrorPad(x, paddings, mode),
    [1, 4],
    { min: 1, types: ['float32'] },
  ),
  concat: (draw) => {
    const shape = draw.shape([1, 6], { min: draw.flag() ? 1 : 0 });
    const axis = axisOf(draw, shape);
    const dtype = draw.pick(TYPES);
    const inputs = Array.from({ length: draw.int(1, 4) }, () =>
      draw.values(
        shape.map((dim, i) => (i === axis ? draw.int(0, 5) : dim)),
        { dtype },
      ),
    );
    return { inputs, run: (...tensors) => tf.concat(tensors, axis) };
  },
  stack: (draw) => {
    const shape = draw.shape([0, 5], { min: draw.flag() ? 1 : 0 });
    const dtype = draw.pick(TYPES);
    const axis = draw.int(0, shape.length);
    const inputs = Array.from({ length: draw.int(1, 4) }, () => draw.values(shape, { dtype }));
    return { inputs, run: (...tensors) => tf.stack(tensors, axis) };
  },
  sum: reduction(tf.sum, {}),
  'sum int32': reduction(tf.sum, int),
  'sum bool': reduction(tf.sum, { dtype: 'bool' }),
  'sum of long rows and columns': longReduction(tf.sum, LONG),
  mean: reduction(tf.mean, {}, { min: 1 }),
  'mean int32': reduction(tf.mean, int, { min: 1 }),
  'mean of long rows and columns': longReduction(tf.mean, LONG),
  prod: reduction(tf.prod, { low: 0.8, high: 1.2, special: 0 }, { tolerance: 1e-4 }),
  'prod int32': reduction(tf.prod, { dtype: 'int32', low: -1, high: 2 }),
  max: reduction(tf.max, {}, { min: 1 }),
  'max int32': reduction(tf.max, int, { min: 1 }),
  'max of long rows and columns': longReduction(tf.max, LONG),
  min: reduction(tf.min, {}, { min: 1 }),
  'min int32': reduction(tf.min, int, { min: 1 }),
  // over nothing the cpu kernels say false, NaN and 0 where logic and tensor-core say true, NaN and an identity
  all: reduction(tf.all, { dtype: 'bool' }, { min: 1 }),
  any: reduction(tf.any, { dtype: 'bool' }),
  argMax: shaped(axisOf, (x, axis) => tf.argMax(x, axis), [1, 5], { min: 1, types: ['float32', 'int32'] }),
  argMin: shaped(axisOf, (x, axis) => tf.argMin(x, axis), [1, 5], { min: 1, types: ['float32', 'int32'] }),
  cumsum: running((x, axis, exclusive, reverse) => tf.cumsum(x, axis, exclusive, reverse), {}),
  'cumsum int32': running((x, axis, exclusive, reverse) => tf.cumsum(x, axis, exclusive, reverse), int),
  cumprod: running((x, axis, exclusive, reverse) => tf.cumprod(x, axis, exclusive, reverse), { low: 0.5, high: 1.5 }),
  softmax: (draw) => {
    const shape = draw.shape([1, 5], { min: 1 });
    const scale = draw.pick([1, 100]);
    return { inputs: [draw.values(shape, { low: -scale, high: scale })], run: (x) => tf.softmax(x), tolerance: 5e-6 };
  },
  'softmax with NaN and infinities': (draw) => {
    const shape = draw.shape([2, 3], { min: 1 });
    return { inputs: [draw.values(shape, { special: 0.05 })], run: (x) => tf.softmax(x), tolerance: 5e-6 };
  },
  logSoftmax: (draw) => {
    const shape = draw.shape([1, 4], { min: 1 });
    return { inputs: [draw.values(shape, { low: -30, high: 30 })], run: (x) => tf.logSoftmax(x), tolerance: 5e-6 };
  },
  topk: (draw) => {
    const shape = draw.shape([1, 3], { min: 1 });
    const k = draw.int(1, shape.at(-1) as number);
    const dtype = draw.pick(['float32', 'int32'] as const);
    const inputs = [draw.values(shape, { dtype, low: -9, high: 9 })];
    return {
      inputs,
      run: (x) => {
        const { values, indices } = tf.topk(x, k);
        return [values, indices];
      },
    };
  },
};

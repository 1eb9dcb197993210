// Gradients of reductions and scans that tfjs lacks or gets wrong.
import {
  backend_util,
  cast,
  cumprod,
  cumsum,
  div,
  engine,
  equal,
  fill,
  type GradFunc,
  logicalAnd,
  mul,
  type NamedAttrMap,
  onesLike,
  pad,
  registerGradient,
  reshape,
  reverse,
  slice,
  sum,
  type Tensor,
  transpose,
  util,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type Attributes, defineKernel, type Inputs, type Kernel, runKernel1 } from '../ops/internal/kernel.ts';

/** x as [outer, n, inner], of which n was reduced: where the reduced axes are neighbours. */
type Group = { shape: number[]; outer: number; n: number; inner: number };

const spread = defineKernel<Group & { scale: number }>('ReduceSpread', ({ dy }, { shape, outer, n, inner, scale }) => [
  reshape(mul(reshape(dy as Tensor, [outer, 1, inner]), fill([outer, n, inner], scale)), shape),
]);

const extremeGrad = defineKernel<Group>('ReduceExtremeGrad', (inputs, { shape, outer, n, inner }) => {
  const { dy, x, y } = inputs as { dy: Tensor; x: Tensor; y: Tensor };
  const kept = [outer, 1, inner];
  return [reshape(shared(reshape(dy, kept), reshape(x, [outer, n, inner]), reshape(y, kept), [1]), shape)];
});

export function registerReductionGradients(): void {
  registerGradient({ kernelName: 'Sum', inputsToSave: ['x'], gradFunc: spreadGradient(() => 1) });
  registerGradient({ kernelName: 'Mean', inputsToSave: ['x'], gradFunc: spreadGradient((n) => 1 / n) });
  for (const kernelName of ['Max', 'Min']) {
    registerGradient({ kernelName, inputsToSave: ['x'], outputsToSave: [true], gradFunc: extremeGradient });
  }
  registerGradient({ kernelName: 'Prod', inputsToSave: ['x'], gradFunc: prodGradient });
  registerGradient({ kernelName: 'Cumsum', gradFunc: cumsumGradient });
  registerGradient({ kernelName: 'Cumprod', inputsToSave: ['x'], gradFunc: cumprodGradient });
}

/** Sizes before, along and behind the reduced axes; undefined where kept ones stand between them. */
function groupOf(shape: number[], axes: readonly number[]): Group | undefined {
  const group: Group = { shape, outer: 1, n: 1, inner: 1 };
  let [left, last] = [axes.length, -1];
  for (let i = 0; i < shape.length; i++) {
    const size = shape[i] as number;
    if (axes.includes(i)) {
      if (last >= 0 && group.inner !== 1) return undefined;
      last = i;
      left--;
      group.n *= size;
    } else if (left === axes.length) group.outer *= size;
    else group.inner *= size;
  }
  return group;
}

const axesOf = ({ reductionIndices, axis }: NamedAttrMap, shape: number[]): number[] =>
  util.parseAxisParam((reductionIndices ?? axis ?? null) as number | number[], shape);

/** Runs a kernel; inside a gradient of a gradient, the single ops are recorded. */
const fused = <A extends Attributes>(kernel: Kernel<A>, inputs: Inputs, attributes: A): Tensor =>
  engine().isTapeOn() ? (kernel.compose(inputs, attributes)[0] as Tensor) : runKernel1(kernel, inputs, attributes);

/** dx = scale(n) dy for each of the n numbers that a sum or mean was taken of. */
function spreadGradient(scaleOf: (n: number) => number): GradFunc {
  return (given, saved, attrs) => ({
    x: () => {
      const [dy, { shape }] = [given as Tensor, saved[0] as Tensor];
      const axes = axesOf(attrs, shape);
      const group = groupOf(shape, axes);
      if (group !== undefined) return fused(spread, { dy }, { ...group, scale: scaleOf(group.n) });
      const n = axes.reduce((product, axis) => product * (shape[axis] as number), 1);
      return mul(reshape(dy, keptShape(shape, axes)), fill(shape, scaleOf(n)));
    },
  });
}

const keptShape = (shape: number[], axes: number[]): number[] => shape.map((d, i) => (axes.includes(i) ? 1 : d));

/**
 * Equal extremes share the gradient evenly. tfjs gives the whole of it to each, so that the gradients of a maximum over n
 * equal numbers sum to n.
 */
function extremeGradient(given: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap): { x: () => Tensor } {
  return {
    x: () => {
      const [dy, [x, y]] = [given as Tensor, saved as [Tensor, Tensor]];
      const axes = axesOf(attrs, x.shape);
      const group = x.dtype === 'float32' ? groupOf(x.shape, axes) : undefined;
      if (group !== undefined) return fused(extremeGrad, { dy, x, y }, group);
      const kept = keptShape(x.shape, axes);
      return shared(reshape(dy, kept), x, reshape(y, kept), axes);
    },
  };
}

/** dy among those x that equal y; dy and y have ones for the reduced axes. */
function shared(dy: Tensor, x: Tensor, y: Tensor, axes: number[]): Tensor {
  const chosen = cast(equal(x, y), 'float32');
  return mul(chosen, div(dy, sum(chosen, axes, true)));
}

/** d ∏x / dxᵢ = ∏ of the others, by two exclusive scans: right where elements are zero. */
function prodGradient(dy: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap): { x: () => Tensor } {
  const [x] = saved as [Tensor];
  const axes = util.parseAxisParam((attrs.axis ?? null) as number | number[], x.shape);
  return {
    x: () => {
      // the reduced axes last, as one: [outer, n]
      const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i));
      const order = [...kept, ...axes];
      const moved = transpose(x, order);
      const n = axes.reduce((product, axis) => product * (x.shape[axis] ?? 1), 1);
      const flat = reshape(moved, [x.size / Math.max(1, n), n]);
      const others = mul(cumprod(flat, 1, true, false), cumprod(flat, 1, true, true));
      const gradient = mul(others, reshape(dy as Tensor, [flat.shape[0] ?? 1, 1]));
      return transpose(reshape(gradient, moved.shape), backend_util.getUndoAxesPermutation(order));
    },
  };
}

/** dxᵢ is the sum of dy from i on: the scan the other way. tfjs transposes it where the axis is not the last. */
function cumsumGradient(dy: Tensor | Tensor[], _: Tensor[], attrs: NamedAttrMap): { x: () => Tensor } {
  const { axis, exclusive, reverse: backwards } = attrs as { axis: number; exclusive: boolean; reverse: boolean };
  return { x: () => cumsum(dy as Tensor, axis, exclusive, !backwards) };
}

/**
 * With y the running product and S the reversed running sum of dy·y: dxᵢ = Sᵢ / xᵢ before the first zero. At the first
 * zero the same with that zero taken for a one; behind it nothing.
 */
function cumprodGradient(dy: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap): { x: () => Tensor } {
  const [x] = saved as [Tensor];
  const { axis: at, exclusive, reverse: backwards } = attrs as { axis: number; exclusive: boolean; reverse: boolean };
  const axis = (at + x.rank) % x.rank;
  const turn = (t: Tensor): Tensor => (backwards ? reverse(t, axis) : t);
  return {
    x: () => {
      const v = turn(x);
      let d = turn(dy as Tensor);
      // the exclusive scan is the inclusive one, one place later
      if (exclusive) d = shiftEarlier(d, axis);
      const isZero = equal(v, 0);
      const zerosBefore = cumsum(cast(isZero, 'float32'), axis, true);
      const first = logicalAnd(isZero, equal(zerosBefore, 0));
      const none = equal(cumsum(cast(isZero, 'float32'), axis), 0);
      const backSum = (values: Tensor): Tensor => cumsum(mul(d, cumprod(values, axis)), axis, false, true);
      const filled = where(first, onesLike(v), v);
      const atFirst = where(first, backSum(filled), zerosLike(v));
      const nonZero = where(isZero, onesLike(v), v);
      return turn(where(none, div(backSum(v), nonZero), atFirst));
    },
  };
}

/** t[i] = t[i + 1] along an axis, 0 at its end. */
function shiftEarlier(t: Tensor, axis: number): Tensor {
  const n = t.shape[axis] ?? 0;
  if (n === 0) return t;
  const begin = t.shape.map((_, i) => (i === axis ? 1 : 0));
  const size = t.shape.map((d, i) => (i === axis ? n - 1 : d));
  return pad(
    slice(t, begin, size),
    t.shape.map((_, i) => [0, i === axis ? 1 : 0]),
  );
}

// Gradients of reductions and scans that tfjs lacks or gets wrong.
import {
  backend_util,
  cast,
  cumprod,
  cumsum,
  div,
  equal,
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

export function registerReductionGradients(): void {
  for (const kernelName of ['Max', 'Min']) {
    registerGradient({ kernelName, inputsToSave: ['x'], outputsToSave: [true], gradFunc: extremeGradient });
  }
  registerGradient({ kernelName: 'Prod', inputsToSave: ['x'], gradFunc: prodGradient });
  registerGradient({ kernelName: 'Cumprod', inputsToSave: ['x'], gradFunc: cumprodGradient });
}

/**
 * Equal extremes share the gradient evenly. tfjs gives the whole of it to each, so that the gradients of a maximum over n
 * equal numbers sum to n.
 */
function extremeGradient(dy: Tensor | Tensor[], saved: Tensor[], attrs: NamedAttrMap): { x: () => Tensor } {
  const [x, y] = saved as [Tensor, Tensor];
  const axes = util.parseAxisParam((attrs.reductionIndices ?? attrs.axis ?? null) as number | number[], x.shape);
  const kept = backend_util.expandShapeToKeepDim(withoutAxes(x.shape, axes), axes);
  return {
    x: () => {
      const chosen = cast(equal(x, reshape(y, kept)), 'float32');
      return mul(chosen, div(reshape(dy as Tensor, kept), sum(chosen, axes, true)));
    },
  };
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

const withoutAxes = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.filter((_, i) => !axes.includes(i));

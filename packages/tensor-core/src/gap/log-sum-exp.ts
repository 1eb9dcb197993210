import {
  add,
  customGrad,
  equal,
  exp,
  isFinite as isFiniteTensor,
  log,
  max,
  mul,
  reshape,
  sub,
  sum,
  type Tensor,
  util,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';

/**
 * log Σ exp(x) over some axes, without overflow. Unlike tfjs's, right where all elements are −∞ (−∞, gradient 0), where
 * one is +∞ (+∞), and over an axis of no elements (−∞).
 * @param x float32
 * @param axis the axes to reduce; default all
 * @param keepDims whether they stay, with size 1
 */
export function logSumExp<T extends Tensor>(x: Tensor, axis?: number | number[], keepDims = false): T {
  const axes = util.parseAxisParam(axis ?? (null as never), x.shape);
  const y = customGrad((input, save) => {
    const v = input as Tensor;
    const largest = max(v, axes, true);
    // any shift gives the same result; an infinite one would give ∞ − ∞
    const shift = where(isFiniteTensor(largest), largest, zerosLike(largest));
    const value = add(log(sum(exp(sub(v, shift)), axes, true)), shift);
    (save as (tensors: Tensor[]) => void)([v, value]);
    // d/dxᵢ = softmax(x)ᵢ = exp(xᵢ − y); 0 where y is −∞
    const gradFunc = (dy: Tensor, [saved, result]: Tensor[]): Tensor => {
      const [vs, ys] = [saved as Tensor, result as Tensor];
      const finite = where(equal(ys, Number.NEGATIVE_INFINITY), zerosLike(ys), ys);
      return mul(dy, exp(sub(vs, finite)));
    };
    return { value, gradFunc };
  })(x);
  if (keepDims) return y as T;
  const kept = x.shape.filter((_, i) => !axes.includes(i));
  const out = reshape(y, kept);
  y.dispose(); // the result shares its storage; a gradient that needs it holds it
  return out as T;
}

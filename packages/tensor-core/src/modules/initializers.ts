// How weights start. Each takes the random stream and the shape, [K, N] for a matrix used as x·W, [height, width, K, N]
// for a convolution; fan-in is K, fan-out N, times the filter's area. The caller disposes the result.
import { fill, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import type { Rng } from '../random/rng.ts';

/** Makes a first value of this shape from a stream; the caller disposes it. */
export type Initializer = (rng: Rng, shape: readonly number[]) => Tensor;

/** Every element the same. */
export const constant =
  (value: number): Initializer =>
  (_, shape) =>
    fill([...shape], value, 'float32');

/** All 0. */
export const zeros: Initializer = constant(0);
/** All 1. */
export const ones: Initializer = constant(1);

/** Normal with mean 0. */
export const normal =
  (std = 0.02): Initializer =>
  (rng, shape) =>
    rng.normalTensor(shape, 0, std);

/** Uniform in ±bound. */
export const uniform =
  (bound: number): Initializer =>
  (rng, shape) =>
    rng.uniformTensor(shape, -bound, bound);

/** Glorot & Bengio 2010: variance 2·gain²/(fan-in + fan-out), for tanh and linear layers. */
export const xavierUniform =
  (gain = 1): Initializer =>
  (rng, shape) => {
    const { fanIn, fanOut } = fans(shape);
    return uniform(gain * Math.sqrt(6 / (fanIn + fanOut)))(rng, shape);
  };

/** As `xavierUniform`, normal. */
export const xavierNormal =
  (gain = 1): Initializer =>
  (rng, shape) => {
    const { fanIn, fanOut } = fans(shape);
    return normal(gain * Math.sqrt(2 / (fanIn + fanOut)))(rng, shape);
  };

/** He et al. 2015: variance gain²/fan-in; the default gain √2 is for ReLU. */
export const kaimingUniform =
  (gain = Math.SQRT2): Initializer =>
  (rng, shape) =>
    uniform(gain * Math.sqrt(3 / fans(shape).fanIn))(rng, shape);

/** As `kaimingUniform`, normal. */
export const kaimingNormal =
  (gain = Math.SQRT2): Initializer =>
  (rng, shape) =>
    normal(gain / Math.sqrt(fans(shape).fanIn))(rng, shape);

/** ±1/√fan-in, uniform: what PyTorch's Linear and Conv start with, biases by their weight's fan-in. */
export const torchLinear =
  (fanIn?: number): Initializer =>
  (rng, shape) =>
    uniform(1 / Math.sqrt(fanIn ?? fans(shape).fanIn))(rng, shape);

/**
 * Saxe et al. 2014: rows (or columns, whichever are fewer) orthonormal times gain; leading axes are one. By Gram–Schmidt
 * on normal vectors, in doubles: the same numbers on every backend.
 */
export const orthogonal =
  (gain = 1): Initializer =>
  (rng, shape) => {
    if (shape.length < 2)
      throw new ShapeError({ where: 'orthogonal', what: 'no matrix', got: shape, wanted: 'rank ≥ 2' });
    const columns = shape.at(-1) ?? 1;
    const rows = shape.slice(0, -1).reduce((n, d) => n * d, 1);
    const source = rng.normalTensor(shape);
    const values = Float64Array.from(source.dataSync<'float32'>());
    source.dispose();
    // the fewer vectors are made orthonormal: `count` of length `length`, element j of vector i at i·step + j·stride
    const wide = columns >= rows;
    const [count, length, step, stride] = wide ? [rows, columns, columns, 1] : [columns, rows, 1, columns];
    orthonormalize(values, count, length, step, stride);
    return tensor(
      Float32Array.from(values, (v) => gain * v),
      [...shape],
    );
  };

function orthonormalize(values: Float64Array, count: number, length: number, step: number, stride: number): void {
  const dot = (a: number, b: number): number => {
    let sum = 0;
    for (let j = 0; j < length * stride; j += stride) sum += (values[a + j] ?? 0) * (values[b + j] ?? 0);
    return sum;
  };
  for (let i = 0; i < count; i++) {
    const a = i * step;
    // twice is enough (Kahan, Parlett): once loses orthogonality where vectors are nearly parallel
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < i; k++) {
        const b = k * step;
        const c = dot(a, b);
        for (let j = 0; j < length * stride; j += stride)
          values[a + j] = (values[a + j] ?? 0) - c * (values[b + j] ?? 0);
      }
    }
    const norm = Math.sqrt(dot(a, a));
    for (let j = 0; j < length * stride; j += stride) values[a + j] = (values[a + j] ?? 0) / norm;
  }
}

/** Inputs and outputs of one unit. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const area = shape.slice(0, -2).reduce((n, d) => n * d, 1);
  const fanOut = (shape.at(-1) ?? 1) * area;
  return { fanIn: shape.length < 2 ? fanOut : (shape.at(-2) ?? 1) * area, fanOut };
}

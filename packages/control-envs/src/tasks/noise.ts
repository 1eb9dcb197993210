/** Noise of first states, in place. */
import type { Rng } from '@gimbal/tensor-core';

/** Adds uniform noise in ±scale. */
export function addUniform(x: Float64Array, scale: number, stream: Rng, count = x.length): void {
  for (let i = 0; i < count; i++) x[i] = (x[i] as number) + scale * (2 * stream.uniform() - 1);
}

/** Adds normal noise of standard deviation `scale`. */
export function addNormal(x: Float64Array, scale: number, stream: Rng): void {
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + scale * stream.normal();
}

export function sumOfSquares(xs: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < xs.length; i++) sum += (xs[i] as number) ** 2;
  return sum;
}

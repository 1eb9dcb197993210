// RMS norm without reshapes, each of which is an operation here. r keeps x's rank.
import { add, mean, mul, rsqrt, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import type { Inputs } from '../../../ops/internal/kernel.ts';

export function rmsNorm(inputs: Inputs, a: { epsilon: number; unitOffset: boolean; training: boolean }): Tensor[] {
  const { x, scale } = inputs as { x: Tensor; scale: Tensor };
  const r = rsqrt(add(mean(square(x), -1, true), a.epsilon));
  const y = mul(mul(x, r), a.unitOffset ? add(scale, 1) : scale);
  return a.training ? [y, r] : [y];
}

export function rmsNormGrad(inputs: Inputs, { unitOffset }: { unitOffset: boolean }): Tensor[] {
  const { dy, x, scale, r } = inputs as { dy: Tensor; x: Tensor; scale: Tensor; r: Tensor };
  const xHat = mul(x, r);
  const g = mul(dy, unitOffset ? add(scale, 1) : scale);
  const dx = mul(r, sub(g, mul(xHat, mean(mul(g, xHat), -1, true))));
  const rows = x.shape.slice(0, -1).map((_, axis) => axis);
  const product = mul(dy, xHat);
  return [dx, rows.length === 0 ? product : sum(product, rows)];
}

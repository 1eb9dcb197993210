// Root-mean-square normalisation over the last axis (Zhang & Sennrich 2019).
//
//   y = x r s, r = 1/√(mean(x²) + ε), s = scale, or 1 + scale (Gemma)
//   dx = r (g − x̂ mean(g x̂)), x̂ = x r, g = dy s;  dscale = Σ dy x̂

import { add, mean, mul, reshape, rsqrt, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { checkDtype, checkNumber, checkRank, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused1, together } from './internal/fused-op.ts';
import { defineKernel, runKernel } from './internal/kernel.ts';

type RmsAttributes = { epsilon: number; unitOffset: boolean };

const rmsNormGrad = defineKernel('RmsNormGrad', (inputs, { unitOffset }: { unitOffset: boolean }) => {
  const { dy, x, scale, r } = inputs as { dy: Tensor; x: Tensor; scale: Tensor; r: Tensor };
  const n = scale.size;
  const column = reshape(r, [-1, 1]);
  const dy2 = reshape(dy, [-1, n]);
  const xHat = mul(reshape(x, [-1, n]), column);
  const g = mul(dy2, unitOffset ? add(scale, 1) : scale);
  const dx = mul(column, sub(g, mul(xHat, mean(mul(g, xHat), -1, true))));
  return [reshape(dx, x.shape), sum(mul(dy2, xHat), 0)];
});

const rmsNormOp = defineFusedOp<RmsAttributes>({
  name: 'RmsNorm',
  compose: (inputs, { epsilon, unitOffset, training }) => {
    const { x, scale } = inputs as { x: Tensor; scale: Tensor };
    const x2 = reshape(x, [-1, scale.size]);
    const r = rsqrt(add(mean(mul(x2, x2), -1, true), epsilon));
    const y = reshape(mul(mul(x2, r), unitOffset ? add(scale, 1) : scale), x.shape);
    return training ? [y, reshape(r, [-1])] : [y];
  },
  saveInputs: ['x', 'scale'],
  gradient: (backward) =>
    together(backward, ['x', 'scale'], () => {
      const { dys, inputs, extras, attributes } = backward;
      return runKernel(
        rmsNormGrad,
        { dy: dys[0] as Tensor, ...inputs, r: extras[0] as Tensor },
        { unitOffset: attributes.unitOffset },
      );
    }),
});

/**
 * RMS normalisation over the last axis.
 * @param x [..., D], float32
 * @param scale [D]
 * @param o.epsilon added to the mean square; default 1e-6
 * @param o.unitOffset multiply by 1 + scale, as Gemma does; default false
 * @returns x's shape; the caller disposes it
 * @throws ShapeError where scale is not float32 [D]; ConfigError for a negative epsilon
 */
export function rmsNorm<T extends Tensor>(x: T, scale: Tensor, o: { epsilon?: number; unitOffset?: boolean } = {}): T {
  const { epsilon = 1e-6, unitOffset = false } = o;
  checkDtype('rmsNorm', 'x', x, 'float32');
  checkRank('rmsNorm', 'x', x, [1, 2, 3, 4, 5, 6], '[..., D]');
  checkDtype('rmsNorm', 'scale', scale, 'float32');
  checkShape('rmsNorm', 'scale', scale, [x.shape[x.rank - 1] as number], 'like the last axis of x');
  checkNumber('rmsNorm', 'epsilon', epsilon, epsilon >= 0, 'a number ≥ 0');
  return runFused1(rmsNormOp, { x, scale }, { epsilon, unitOffset }) as T;
}

// Layer normalisation over the last axis (Ba et al. 2016).
//
//   x̂ = (x − μ) r, r = 1/√(σ² + ε), y = x̂ scale + offset
//   dx = r (g − mean(g) − x̂ mean(g x̂)), g = dy scale;  dscale = Σ dy x̂;  doffset = Σ dy

import { add, mean, mul, reshape, rsqrt, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { checkDtype, checkNumber, checkRank, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused1, together } from './internal/fused-op.ts';
import { defineKernel, runKernel } from './internal/kernel.ts';

const layerNormGrad = defineKernel('LayerNormGrad', (inputs) => {
  const { dy, x, scale, mu, r } = inputs as { [name in 'dy' | 'x' | 'scale' | 'mu' | 'r']: Tensor };
  const n = scale.size;
  const [x2, dy2] = [reshape(x, [-1, n]), reshape(dy, [-1, n])];
  const column = reshape(r, [-1, 1]);
  const xHat = mul(sub(x2, reshape(mu, [-1, 1])), column);
  const g = mul(dy2, scale);
  const dx = mul(column, sub(sub(g, mean(g, -1, true)), mul(xHat, mean(mul(g, xHat), -1, true))));
  return [reshape(dx, x.shape), sum(mul(dy2, xHat), 0), sum(dy2, 0)];
});

const layerNormOp = defineFusedOp<{ epsilon: number }>({
  name: 'LayerNorm',
  compose: (inputs, { epsilon, training }) => {
    const { x, scale, offset } = inputs as { x: Tensor; scale: Tensor; offset: Tensor };
    const x2 = reshape(x, [-1, scale.size]);
    const mu = mean(x2, -1, true);
    const centred = sub(x2, mu);
    const r = rsqrt(add(mean(mul(centred, centred), -1, true), epsilon));
    const y = reshape(add(mul(mul(centred, r), scale), offset), x.shape);
    return training ? [y, reshape(mu, [-1]), reshape(r, [-1])] : [y];
  },
  saveInputs: ['x', 'scale'],
  gradient: (backward) =>
    together(backward, ['x', 'scale', 'offset'], () => {
      const { dys, inputs, extras } = backward;
      const [mu, r] = extras as [Tensor, Tensor];
      return runKernel(layerNormGrad, { dy: dys[0] as Tensor, ...inputs, mu, r }, {});
    }),
});

/**
 * Layer normalisation over the last axis.
 * @param x [..., D], float32
 * @param scale [D]
 * @param offset [D]
 * @param o.epsilon added to the variance; default 1e-5
 * @returns x's shape; the caller disposes it
 * @throws ShapeError where scale or offset are not float32 [D]; ConfigError for a negative epsilon
 */
export function layerNorm<T extends Tensor>(x: T, scale: Tensor, offset: Tensor, o: { epsilon?: number } = {}): T {
  const { epsilon = 1e-5 } = o;
  checkDtype('layerNorm', 'x', x, 'float32');
  checkRank('layerNorm', 'x', x, [1, 2, 3, 4, 5, 6], '[..., D]');
  const width = [x.shape[x.rank - 1] as number];
  checkDtype('layerNorm', 'scale', scale, 'float32');
  checkDtype('layerNorm', 'offset', offset, 'float32');
  checkShape('layerNorm', 'scale', scale, width, 'like the last axis of x');
  checkShape('layerNorm', 'offset', offset, width, 'like the last axis of x');
  checkNumber('layerNorm', 'epsilon', epsilon, epsilon >= 0, 'a number ≥ 0');
  return runFused1(layerNormOp, { x, scale, offset }, { epsilon }) as T;
}

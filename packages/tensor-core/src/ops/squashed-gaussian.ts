// The policy head of soft actor-critic (Haarnoja et al. 2018): a Gaussian sample squashed by tanh, with its density.
//
//   u = μ + σ ε, σ = exp(log σ), log σ clamped;  a = tanh u
//   log π(a) = Σ (−½ε² − log σ − ½ log 2π − 2 (log 2 − u − softplus(−2u)))
//   du = da (1 − a²) + 2 a dlogπ;  dμ = du;  dlogσ = du σ ε − dlogπ, 0 where clamped

import {
  add,
  cast,
  clipByValue,
  concat,
  equal,
  exp,
  mul,
  neg,
  reshape,
  slice,
  softplus,
  square,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tanh,
} from '@tensorflow/tfjs-core';
import { checkDtype, checkNumber, checkRank, checkShape } from './internal/check.ts';
import { defineFusedOp, runFused } from './internal/fused-op.ts';
import { defineKernel, runKernel1 } from './internal/kernel.ts';

type Limits = { minLogStd: number; maxLogStd: number };

/** μ, the raw and the clamped log σ, each [B,A]. */
function split(parameters: Tensor, width: number, { minLogStd, maxLogStd }: Limits): [Tensor, Tensor, Tensor] {
  const raw = slice(parameters, [0, width], [-1, width]);
  return [slice(parameters, [0, 0], [-1, width]), raw, clipByValue(raw, minLogStd, maxLogStd)];
}

const squashedGaussianGrad = defineKernel<Limits>('SquashedGaussianGrad', (inputs, limits) => {
  const { dAction, dLogProb, parameters, noise, action } = inputs as { [name: string]: Tensor };
  const [, raw, logStd] = split(parameters as Tensor, (noise as Tensor).shape[1] as number, limits);
  const dLog = reshape(dLogProb as Tensor, [-1, 1]);
  const a = action as Tensor;
  const du = add(mul(dAction as Tensor, sub(1, square(a))), mul(mul(a, 2), dLog));
  const free = cast(equal(raw, logStd), 'float32');
  const dLogStd = mul(sub(mul(du, mul(exp(logStd), noise as Tensor)), dLog), free);
  return [concat([du, dLogStd], 1)];
});

const squashedGaussianOp = defineFusedOp<Limits>({
  name: 'SquashedGaussian',
  outputs: 2,
  compose: (inputs, limits) => {
    const { parameters, noise } = inputs as { parameters: Tensor; noise: Tensor };
    const [mu, , logStd] = split(parameters, noise.shape[1] as number, limits);
    const u = add(mu, mul(exp(logStd), noise));
    const base = sub(sub(mul(square(noise), -0.5), logStd), 0.5 * Math.log(2 * Math.PI));
    const correction = mul(sub(sub(Math.LN2, u), softplus(mul(u, -2))), 2);
    return [tanh(u), sum(add(base, neg(correction)), 1)];
  },
  saveInputs: ['parameters', 'noise'],
  saveOutputs: true,
  gradient: ({ dys: [dAction, dLogProb], inputs, outputs: [action], attributes }) => ({
    parameters: () =>
      runKernel1(
        squashedGaussianGrad,
        { dAction: dAction as Tensor, dLogProb: dLogProb as Tensor, ...inputs, action: action as Tensor },
        attributes,
      ),
  }),
});

/**
 * A reparametrised action of a squashed Gaussian policy, and its log-density.
 * @param parameters [B,2A], float32: means, then log standard deviations
 * @param noise [B,A], float32: standard normal numbers; no gradient flows to them
 * @param o.minLogStd log σ is clamped from below; default −20
 * @param o.maxLogStd and from above; default 2
 * @returns action [B,A] in (−1, 1) and logProb [B]; the caller disposes both
 * @throws ShapeError where parameters are not twice as wide as noise; ConfigError where the limits are reversed
 */
export function squashedGaussian(
  parameters: Tensor,
  noise: Tensor,
  o: { minLogStd?: number; maxLogStd?: number } = {},
): { action: Tensor2D; logProb: Tensor1D } {
  const { minLogStd = -20, maxLogStd = 2 } = o;
  checkDtype('squashedGaussian', 'parameters', parameters, 'float32');
  checkDtype('squashedGaussian', 'noise', noise, 'float32');
  checkRank('squashedGaussian', 'noise', noise, [2], '[B,A]');
  const [batch, width] = noise.shape as [number, number];
  checkShape('squashedGaussian', 'parameters', parameters, [batch, 2 * width], 'for this noise');
  checkNumber('squashedGaussian', 'minLogStd', minLogStd, minLogStd < maxLogStd, `a number < maxLogStd (${maxLogStd})`);
  const [action, logProb] = runFused(squashedGaussianOp, { parameters, noise }, { minLogStd, maxLogStd });
  return { action: action as Tensor2D, logProb: logProb as Tensor1D };
}

/**
 * Off-policy mirror descent (MDPO, arXiv 2005.09814, section 5.2): soft actor-critic's actor, held near an older policy,
 *
 *   L_π = mean(c log p(a|s) + (λ − c) log p_old(a|s) − Q₁(s, a)),  a ~ p:   λ weighs the entropy, c − λ the KL(p ‖ p_old)
 *
 * with p_old copied every so many steps, and the authors' small weight on means and log deviations.
 */
import {
  add,
  clipByValue,
  div,
  exp,
  mean,
  mul,
  type Scalar,
  split,
  square,
  sub,
  sum,
  type Tensor,
} from '@tensorflow/tfjs-core';

/** Of the authors' code. */
const outputWeight = 1e-3;

/**
 * log p_old of actions that p drew, with gradient by p's outputs.
 * @param outputs means and log deviations of p `[B, 2A]`
 * @param oldOutputs those of the older policy; no gradient
 * @param noise `[B, A]`: the action is tanh(μ + σ·noise)
 * @param logProb log p of the actions `[B]`
 * @returns `[B]`; tanh's density is in `logProb` and the same for both
 */
export function oldLogProb(
  outputs: Tensor,
  oldOutputs: Tensor,
  noise: Tensor,
  logProb: Tensor,
  limits: { minLogStd: number; maxLogStd: number },
): Tensor {
  const parts = (t: Tensor): [Tensor, Tensor] => {
    const [mu, logStd] = split(t, 2, 1) as [Tensor, Tensor];
    return [mu, clipByValue(logStd, limits.minLogStd, limits.maxLogStd)];
  };
  const [[mu, logStd], [oldMu, oldLogStd]] = [parts(outputs), parts(oldOutputs)];
  const u = add(mu, mul(exp(logStd), noise));
  const oldNoise = div(sub(u, oldMu), exp(oldLogStd));
  const gap = sub(mul(sub(square(noise), square(oldNoise)), 0.5), sub(oldLogStd, logStd));
  return add(logProb, sum(gap, 1));
}

/** mean over rows of Σ(μ² + log²σ), times the authors' weight. */
export const outputPenalty = (outputs: Tensor): Scalar => mul(mean<Scalar>(sum(square(outputs), 1)), outputWeight);

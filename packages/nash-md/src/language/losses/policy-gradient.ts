/**
 * The gradient of Nash-MD-PG, as a loss (arXiv 2312.00886, appendix F.2):
 *
 *   ĝ = Σ_n ∇log π(y_n|s_n) A_n,   A_n = P(y ≻ y') − ½ − τ Σ_{m ≥ n} log π(y_m|s_m)/μ(y_m|s_m)
 *
 * ½ = P(y ≻ y) is the baseline. A token is charged only for the log-ratios that follow it: the same expectation as with
 * those of the whole completion, and less noise.
 */
import { klRewards, surrogates } from '@gimbal/fma-pg';
import type { TokenBatch } from '@gimbal/tensor-core';
import { type LogitPolicy, type Params, stopGradient } from '@gimbal/tensor-core';
import {
  add,
  cumsum,
  exp,
  expandDims,
  logSoftmax,
  mul,
  type Scalar,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import type { Side } from '../training/samples.ts';

/** How the divergence from the reference enters the gradient. */
export type KlEstimator = 'reward-to-go' | 'analytic' | 'token-local';

/** Names of the estimators, the default first. */
export const klEstimators: readonly KlEstimator[] = ['reward-to-go', 'analytic', 'token-local'];

/** What the loss is computed from. */
export interface PolicyGradientInput {
  /** π */
  policy: LogitPolicy;
  /** one a row */
  prompts: TokenBatch;
  /** the policy's completions */
  side: Side;
  /** P(y ≻ y') − ½ of each row `[B]`, less penalties */
  advantages: Float32Array;
  /** τ ≥ 0 */
  klCoef: number;
  /** how the divergence enters */
  estimator: KlEstimator;
  /** μ; asked for its logits by 'analytic' alone */
  reference: Params;
}

/** Tensors of the caller's scope. */
export interface PolicyGradientTerms {
  /**
   * Σ over rows of a loss whose gradient is −ĝ and whose value is the objective, estimated from these completions:
   * −(P(y ≻ y') − ½) + τ KL, with penalties and with the divergence as the estimator has it
   */
  sum: Scalar;
  /** log π of the sampled tokens `[B, T]`, 0 at padding, no gradient */
  logProbs: Tensor2D;
}

/** Differentiable in `params`; call it in a scope. */
export function policyGradientLoss(params: Params, x: PolicyGradientInput): PolicyGradientTerms {
  const { policy, prompts, side, klCoef, estimator } = x;
  const { tokens } = side;
  const B = tokens.lengths.length;
  const shape: [number, number] = [B, tokens.width];
  const mask = tensor2d(side.mask, shape);
  const logProbs = mul(policy.logProbs(params, prompts, tokens), mask) as Tensor2D;
  const fixed = stopGradient(logProbs) as Tensor2D;
  const reference = tensor2d(side.reference, shape);
  const surrogate = surrogates.reinforce({ aggregate: 'row-mean' });
  // mean over rows of −A log π, summed again
  const weigh = (advantages: Tensor): Scalar =>
    mul<Scalar>(surrogate({ logProbs, oldLogProbs: fixed, advantages, mask }).loss, B);
  // the surrogate's own value is 0, its log-ratios are: the objective's is put there, which has no gradient
  const lost = -x.advantages.reduce((a, b) => a + b, 0);
  const logRatios = mul(sub(fixed, reference), mask);
  const valued = (loss: Scalar, kl: Scalar = mul(sum(logRatios), klCoef)): Scalar => add<Scalar>(loss, add(kl, lost));
  const spread = mul(expandDims(tensor1d(x.advantages), 1), mask);
  if (estimator === 'token-local') {
    // the log-ratio of the token alone: biased, kept for comparison with trainers that do so
    return { sum: valued(weigh(sub(spread, mul(logRatios, klCoef)))), logProbs: fixed };
  }
  if (estimator === 'analytic') {
    const kl = mul(vocabularyKl(x, params), mask) as Tensor2D;
    // τ KL_n of the distribution itself, and for the choice of token n those of the prefixes after it
    const later = cumsum(stopGradient(kl) as Tensor2D, 1, true, true);
    return { sum: valued(weigh(sub(spread, mul(later, klCoef))), mul<Scalar>(sum(kl), klCoef)), logProbs: fixed };
  }
  const rewards = klRewards(fixed, reference, mask, x.advantages, { klCoef, klMixing: 'additive' });
  return { sum: valued(weigh(mul(cumsum(rewards, 1, false, true), mask))), logProbs: fixed };
}

/** KL(π(·|s_n) ‖ μ(·|s_n)) over the whole vocabulary `[B, T]`. */
function vocabularyKl({ policy, prompts, side, reference }: PolicyGradientInput, params: Params): Tensor2D {
  const own = logSoftmax(policy.logits(params, prompts, side.tokens));
  const other = stopGradient(logSoftmax(policy.logits(reference, prompts, side.tokens)));
  return sum(mul(exp(own), sub(own, other)), -1);
}

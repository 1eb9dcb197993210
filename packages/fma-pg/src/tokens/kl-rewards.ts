/** Staying close to a reference, as a reward: per token, beside the reward at a completion's end. */
import { ConfigError, checkKnown, checkName, checkOption, ShapeError } from '@gimbal/tensor-core';
import {
  add,
  cast,
  equal,
  expandDims,
  mul,
  range,
  sub,
  sum,
  type Tensor2D,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import { checkTensor } from '../surrogates/surrogate.ts';

/**
 * α of the convex mixture (1 − α)r − αk that has the same optimum as r − βk.
 * @param beta ≥ 0
 */
export function betaToAlpha(beta: number): number {
  checkOption('beta', beta, beta >= 0 && Number.isFinite(beta), 'a finite number ≥ 0');
  return beta / (1 + beta);
}

/**
 * β of r − βk that has the same optimum as the convex mixture (1 − α)r − αk.
 * @param alpha in [0, 1)
 */
export function alphaToBeta(alpha: number): number {
  checkOption('alpha', alpha, alpha >= 0 && alpha < 1, 'a number in [0, 1)');
  return alpha / (1 - alpha);
}

/** How much the KL to the reference counts, and how it is mixed with the reward. */
export interface KlRewardOptions {
  /** β, or α in [0, 1] where the mixing is convex */
  klCoef: number;
  /** 'additive': r − βk; 'convex': (1 − α)r − αk, where a larger α is safer */
  klMixing: 'additive' | 'convex';
}

/**
 * Rewards of tokens: −β (log p − log p_ref) at each that counts, and the terminal one at the last of them.
 * @param logProbs log p of the sampled tokens `[B, T]`; no gradient flows through it
 * @param refLogProbs log p_ref of the same `[B, T]`
 * @param mask 1 = token of the completion, its end included `[B, T]`
 * @param terminal reward of each completion `[B]`; one without tokens gets none
 * @returns `[B, T]`, 0 where the mask is 0; the caller disposes it
 * @throws ConfigError for what is no tensor and for options that are not there or out of range, ShapeError for shapes that differ
 */
export function klRewards(
  logProbs: Tensor2D,
  refLogProbs: Tensor2D,
  mask: Tensor2D,
  terminal: Float32Array,
  o: KlRewardOptions,
): Tensor2D {
  for (const [name, t] of Object.entries({ logProbs, refLogProbs, mask })) checkTensor('klRewards', name, t);
  checkKnown('klRewards', o, ['klCoef', 'klMixing']);
  const { klCoef, klMixing } = o;
  checkName('klMixing', klMixing, ['additive', 'convex']);
  const most = klMixing === 'convex' ? 1 : Number.POSITIVE_INFINITY;
  if (!(Number.isFinite(klCoef) && klCoef >= 0 && klCoef <= most)) {
    const wanted = klMixing === 'convex' ? 'a number from 0 to 1' : 'a finite number ≥ 0';
    throw new ConfigError({ where: 'klCoef', what: 'out of range', got: klCoef, wanted });
  }
  if (!ArrayBuffer.isView(terminal))
    throw new ConfigError({ where: 'klRewards', what: 'terminal is no Float32Array', got: typeof terminal });
  const shapes = [logProbs, refLogProbs, mask].map((t) => String(t.shape));
  if (logProbs.rank !== 2 || new Set(shapes).size > 1 || terminal.length !== logProbs.shape[0]) {
    throw new ShapeError({
      where: 'klRewards',
      what: 'the shapes differ',
      got: `logProbs [${shapes[0]}], refLogProbs [${shapes[1]}], mask [${shapes[2]}], terminal [${terminal.length}]`,
      wanted: 'one [B, T], and [B]',
    });
  }
  const share = klMixing === 'convex' ? 1 - klCoef : 1;
  return tidy(() => {
    const perToken = mul(mul(sub(refLogProbs, logProbs), klCoef), mask);
    // the last token that counts; −1 gives a row of zeros
    const last = sub(sum(mask, 1, true), 1);
    const at = cast(equal(range(0, mask.shape[1]), last), 'float32');
    return add(perToken, mul(mul(at, share), expandDims(tensor1d(terminal), 1))) as Tensor2D;
  });
}

/** What is set anew after each update, by how far the policy moved: PPO-KL's penalty, and the learning rate. */

/** Within which bounds, and towards which KL(p_t ‖ p_{t+1}), the learning rate is adapted. */
export interface AdaptiveRate {
  /** nats of an update */
  readonly kl: number;
  /** default 1e-5 */
  readonly min?: number;
  /** default 1e-2 */
  readonly max?: number;
}

/** β of the next update: halved below target/1.5, doubled above 1.5·target (arXiv 1707.06347, section 4). */
export function nextPenalty(coefficient: number, kl: number, target: number): number {
  if (kl < target / 1.5) return coefficient / 2;
  return kl > target * 1.5 ? coefficient * 2 : coefficient;
}

/** A rate times what the rule has made of it, within bounds. */
export function boundedRate(rate: number, factor: number, rule: AdaptiveRate | undefined): number {
  if (rule === undefined) return rate;
  const { min, max } = boundsOf(rule);
  return Math.min(Math.max(rate * factor, min), max);
}

/**
 * The factor for the next update, by 1.5 where this one moved the policy more than twice or less than half as far as
 * wanted (the rule of Brax and RSL-RL). At a bound it stands, so that the way back is not longer than the way there.
 */
export function nextRateFactor(
  factor: number,
  done: { readonly finalKl: number; readonly learningRate: number },
  rule: AdaptiveRate,
): number {
  const { min, max } = boundsOf(rule);
  if (done.finalKl > 2 * rule.kl && done.learningRate > min) return factor / 1.5;
  return done.finalKl < rule.kl / 2 && done.learningRate < max ? factor * 1.5 : factor;
}

/** The bounds, defaults filled in. */
export const boundsOf = ({ min = 1e-5, max = 1e-2 }: AdaptiveRate): { min: number; max: number } => ({ min, max });

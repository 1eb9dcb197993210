/**
 * Updates of a bandit's policy from one sampled arm a and its reward, r in [0, 1]: the stochastic counterparts of the
 * surrogates' closed forms. The advantage is estimated by importance sampling, Â_b = r(1{b = a}/p_a − 1): unbiased, and
 * Σ p_b Â_b = 0 in every sample.
 *
 *   softmax (sMDPO)  p ← p ⊙ (1 + ηÂ) = p + ηr(e_a − p)    linear reward-inaction: a distribution as it is, bounded for any p_a
 *   direct (MDPO)    p_a ← p_a exp(ηr/p_a), normalised      EXP3's update: the exponent has no bound
 *   reinforce        z ← z + ηr(e_a − p), p = softmax z
 */
import { checkOption, checkPositive } from '@gimbal/tensor-core';

/** The updates by name; the formulas stand at the head of this file. */
export type BanditRule = 'smdpo' | 'mdpo' | 'reinforce';

/**
 * One update in place.
 * @param logP log-probabilities of the arms, changed
 * @param arm the one that was pulled
 * @param reward in [0, 1]
 * @param eta step size; smdpo needs η ≤ 1
 */
export function banditUpdate(rule: BanditRule, logP: Float64Array, arm: number, reward: number, eta: number): void {
  checkPositive('eta', eta);
  checkOption('reward', reward, reward >= 0 && reward <= 1, 'a number from 0 to 1');
  checkOption(
    'arm',
    arm,
    Number.isInteger(arm) && arm >= 0 && arm < logP.length,
    `a whole number from 0 to ${logP.length - 1}`,
  );
  const step = eta * reward;
  if (rule === 'smdpo') {
    checkOption('eta', eta, eta <= 1, 'at most 1 for smdpo: a larger one makes probabilities negative');
    // log(p (1 − ηr)) and log(p + ηr(1 − p)); at ηr = 1 the others become 0
    for (let b = 0; b < logP.length; b++) {
      const p = Math.exp(logP[b] as number);
      logP[b] = b === arm ? Math.log(p + step * (1 - p)) : (logP[b] as number) + Math.log1p(-step);
    }
    return;
  }
  for (let b = 0; b < logP.length; b++) {
    const p = Math.exp(logP[b] as number);
    const change = rule === 'mdpo' ? (b === arm ? step / p : 0) : step * ((b === arm ? 1 : 0) - p);
    logP[b] = (logP[b] as number) + change;
  }
  let most = Number.NEGATIVE_INFINITY;
  for (const x of logP) most = Math.max(most, x);
  let total = 0;
  for (const x of logP) total += Math.exp(x - most);
  const shift = most + Math.log(total);
  for (let b = 0; b < logP.length; b++) logP[b] = (logP[b] as number) - shift;
}

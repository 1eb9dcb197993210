import { checkName } from '@gimbal/tensor-core';
import { checkMdp, rewardRange, type TabularMdp } from './mdp.ts';

/**
 * The largest step size η for which the surrogate is a lower bound of J at every policy (the improvement theorem's
 * condition), for the representation whose mirror map is used:
 *   softmax (logits, log-sum-exp: sMDPO)          η ≤ (1 − γ)/(r_max − r_min); tight
 *   direct (probabilities, negative entropy: MDPO) η ≤ (1 − γ)³/(2γ|A|(r_max − r_min)); loose
 * r_max − r_min is the range of the rewards, not their largest size. Infinity where J is linear in the representation.
 */
export function etaBound(mdp: TabularMdp, representation: 'softmax' | 'direct'): number {
  checkMdp(mdp);
  checkName('etaBound', representation, ['softmax', 'direct']);
  const range = rewardRange(mdp);
  const free = 1 - mdp.gamma;
  return representation === 'softmax' ? free / range : free ** 3 / (2 * mdp.gamma * mdp.A * range);
}

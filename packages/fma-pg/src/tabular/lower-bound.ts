/** The surrogate as a bound: ℓ_t(π) with exact constants, to be compared with J(π). */
import { checkPositive } from '@gimbal/tensor-core';
import { valuesOf } from './evaluate-policy.ts';
import { checkMdp, checkPolicy, type TabularMdp } from './mdp.ts';
import { klOfRow } from './surrogate-terms.ts';

/**
 * ℓ_t(π) = J(π_t) + ⟨π − π_t, ∇J(π_t)⟩ − D(π, π_t)/η with the unnormalised visitation d̃ = d/(1 − γ) in both terms, so
 * that ℓ_t(π) ≤ J(π) for every π where η ≤ `etaBound(mdp, representation)`, with equality at π_t.
 * @param representation softmax: ⟨·⟩ = Σ d̃ p_t A log ρ, D = Σ d̃ KL(p_t ‖ p); direct: ⟨·⟩ = Σ d̃ p A, D = Σ d̃ KL(p ‖ p_t)
 * @param policy π, probabilities > 0 `[S·A]`
 * @param anchor π_t, probabilities > 0 `[S·A]`
 */
export function surrogateBound(
  mdp: TabularMdp,
  representation: 'softmax' | 'direct',
  policy: Float64Array,
  anchor: Float64Array,
  eta: number,
): number {
  checkMdp(mdp);
  checkPolicy(mdp, policy);
  checkPolicy(mdp, anchor);
  checkPositive('eta', eta);
  const { A } = mdp;
  const { J, d, A: advantages } = valuesOf(mdp, anchor);
  const logRatio = policy.map((p, i) => Math.log(p / (anchor[i] as number)));
  let total = J;
  for (let s = 0; s < mdp.S; s++) {
    const weight = (d[s] as number) / (1 - mdp.gamma);
    if (weight === 0) continue;
    for (let i = s * A; i < (s + 1) * A; i++) {
      total +=
        representation === 'softmax'
          ? weight * (anchor[i] as number) * ((advantages[i] as number) + 1 / eta) * (logRatio[i] as number)
          : weight * (policy[i] as number) * (advantages[i] as number);
    }
    if (representation === 'direct') total -= (weight * klOfRow({ A }, { p: policy, logRatio }, s * A)) / eta;
  }
  return total;
}

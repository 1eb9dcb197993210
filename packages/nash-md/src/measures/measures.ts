/** How far a policy is from an equilibrium: closed forms, no search. */
import { checkOption, DataError } from '@gimbal/tensor-core';
import { checkPreferences, type PreferenceMatrix } from '../games/preference-matrix.ts';
import { checkDistribution, checkGame, checkSupport, type RegularizedGame } from '../games/regularized-game.ts';
import { argMax, dot, logSumExp, multiply } from '../internal/vectors.ts';

/**
 * P(π ≻ π') = πᵀPπ'
 * @param policy π `[n]`
 * @param opponent π' `[n]`
 */
export function winProbability(P: PreferenceMatrix, policy: Float64Array, opponent: Float64Array): number {
  checkPreferences(P);
  checkDistribution('policy', policy, P.n);
  checkDistribution('opponent', opponent, P.n);
  return dot(policy, multiply(P.p, opponent));
}

/**
 * The probability with which each policy is preferred to each other, as a preference matrix again.
 * @param policies each `[n]`, by name
 */
export function policyMatrix(
  P: PreferenceMatrix,
  policies: { readonly [name: string]: Float64Array },
): PreferenceMatrix {
  checkPreferences(P);
  const labels = Object.keys(policies);
  const list = Object.values(policies);
  const n = list.length;
  const p = new Float64Array(n * n).fill(0.5);
  for (const [i, policy] of list.entries()) checkDistribution(`policy ${labels[i]}`, policy, P.n);
  for (let j = 1; j < n; j++) {
    const column = multiply(P.p, list[j] as Float64Array);
    for (let i = 0; i < j; i++) {
      const x = Math.min(1, Math.max(0, dot(list[i] as Float64Array, column)));
      p[i * n + j] = x;
      p[j * n + i] = 1 - x;
    }
  }
  return { n, p, labels };
}

/**
 * KL(p‖q) = Σ p log p/q ≥ 0; infinite where p has a probability and q has none.
 * @param p `[n]`
 * @param q `[n]`
 * @throws DataError for what is no distribution, or of another length
 */
export function klDivergence(p: Float64Array, q: Float64Array): number {
  if (p.length !== q.length)
    throw new DataError({ where: 'klDivergence', what: 'lengths differ', got: q.length, wanted: String(p.length) });
  checkDistribution('klDivergence, p', p, p.length);
  checkDistribution('klDivergence, q', q, q.length);
  return divergence(p, q);
}

function divergence(p: Float64Array, q: Float64Array): number {
  // Σ p log p/q + q − p: the same sum, but every term is ≥ 0, so nothing cancels where p is close to q
  let total = 0;
  for (let i = 0; i < p.length; i++) {
    const [a, b] = [p[i] as number, q[i] as number];
    total += a === 0 ? b : term(a, b);
  }
  return total;
}

/** a log(a/b) − a + b for a > 0; by its series where a/b is close to 1, by two logarithms where they are far apart */
function term(a: number, b: number): number {
  if (b === 0) return Number.POSITIVE_INFINITY;
  const d = (b - a) / a;
  // 1 + d has lost the digits of a small b
  if (Math.abs(d) > 0.5) return a * (Math.log(a) - Math.log(b)) + (b - a);
  if (Math.abs(d) > 1e-3) return a * (d - Math.log1p(d));
  // d − log(1 + d) = d²/2 − d³/3 + d⁴/4 − …
  return a * d * d * (1 / 2 - d * (1 / 3 - d * (1 / 4 - d * (1 / 5 - d * (1 / 6 - d / 7)))));
}

/**
 * The policy μ exp(values/τ)/Z: of all policies, the one that maximises E[values] − τ KL(π‖μ). With a reward as values it
 * is the optimum of reward learning (RLHF), with P(y ≻ q) the best response to q.
 * @param ref μ `[n]`
 * @param values `[n]`, finite
 * @param tau > 0
 */
export function tilt(ref: Float64Array, values: Float64Array, tau: number): Float64Array {
  checkDistribution('tilt, ref', ref, ref.length);
  checkOption('tilt, tau', tau, Number.isFinite(tau) && tau > 0, 'a finite number > 0');
  if (values.length !== ref.length || !values.every(Number.isFinite)) {
    const wanted = `${ref.length} finite numbers`;
    throw new DataError({ where: 'tilt, values', what: 'do not fit', got: Array.from(values), wanted });
  }
  return tilted(ref, values, tau);
}

export function tilted(ref: Float64Array, values: Float64Array, tau: number): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (const [i, v] of values.entries()) if ((ref[i] as number) > 0) most = Math.max(most, v);
  // the difference first: values/τ may be no number for the smallest τ
  const weights = values.map((v, i) => (ref[i] === 0 ? 0 : (ref[i] as number) * Math.exp((v - most) / tau)));
  const total = weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w / total);
}

/**
 * BR_τ(q) ∝ μ exp(Pq/τ): the best policy against q in the regularised game; for τ = 0 the first of the best responses.
 * @param opponent q `[n]`
 */
export function bestResponse(g: RegularizedGame, opponent: Float64Array): Float64Array {
  checkGame(g);
  checkDistribution('opponent', opponent, g.P.n);
  const values = multiply(g.P.p, opponent);
  if (g.tau > 0) return tilted(g.ref, values, g.tau);
  const inside = values.map((v, i) => ((g.ref[i] as number) > 0 ? v : Number.NEGATIVE_INFINITY));
  const best = new Float64Array(g.P.n);
  best[argMax(inside)] = 1;
  return best;
}

/**
 * How much the best response wins against a policy beyond one half: max_y P(y ≻ π) − ½ ≥ 0, over all responses, without
 * regularisation; 0 for a Nash equilibrium of P alone. (NashConv of the profile (π, π) is twice this.)
 * @param policy π `[n]`
 */
export function exploitability(P: PreferenceMatrix, policy: Float64Array): number {
  checkPreferences(P);
  checkDistribution('policy', policy, P.n);
  return exploited(P, policy);
}

export function exploited(P: PreferenceMatrix, policy: Float64Array): number {
  const values = multiply(P.p, policy);
  return (values[argMax(values)] as number) - 0.5;
}

/**
 * The duality gap of the regularised game at (π, π):
 *
 *   gap_τ(π) = max_a P_τ(a ≻ π) − min_b P_τ(π ≻ b) = 2 (τ log Σ_y μ(y) exp(P(y ≻ π)/τ) + τ KL(π‖μ) − ½)
 *
 * 0 at the equilibrium and only there; rounding may give −1e-15. For τ = 0 twice the exploitability within the support
 * of μ.
 * @param policy π `[n]`, 0 where μ is 0
 */
export function dualityGap(g: RegularizedGame, policy: Float64Array): number {
  checkGame(g);
  checkSupport('policy', policy, g.ref);
  return gapOf(g, policy);
}

export function gapOf({ P, ref, tau }: RegularizedGame, policy: Float64Array): number {
  const values = multiply(P.p, policy);
  if (tau > 1) {
    // log Σ μ e^s for s near 0, of which the large τ would leave rounding alone: s = (v − ½)/τ, so that ½ is in it
    const beyond = values.reduce((sum, v, i) => sum + (ref[i] as number) * Math.expm1((v - 0.5) / tau), 0);
    return 2 * tau * (Math.log1p(beyond) + divergence(policy, ref));
  }
  if (tau > 0) {
    const scaled = values.map((v) => v / tau);
    return 2 * (tau * logSumExp(ref, scaled) + tau * divergence(policy, ref) - 0.5);
  }
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) if ((ref[i] as number) > 0) most = Math.max(most, values[i] as number);
  return 2 * (most - 0.5);
}

/**
 * P_τ(π ≻ π') = πᵀPπ' − τ KL(π‖μ) + τ KL(π'‖μ), the payoff of the regularised game.
 * @param policy π `[n]`, 0 where μ is 0
 * @param opponent π' `[n]`, 0 where μ is 0
 */
export function regularizedPayoff(g: RegularizedGame, policy: Float64Array, opponent: Float64Array): number {
  checkGame(g);
  checkSupport('policy', policy, g.ref);
  checkSupport('opponent', opponent, g.ref);
  const even = dot(policy, multiply(g.P.p, opponent));
  return even - g.tau * divergence(policy, g.ref) + g.tau * divergence(opponent, g.ref);
}

/**
 * Exact policy evaluation by one factorisation of I − γ P_π.
 *
 *   P_π[s,s'] = Σ_a π(a|s) P[s,a,s'];  r_π[s] = Σ_a π(a|s) r[s,a]
 *   V = (I − γP_π)⁻¹ r_π;  Q = r + γ P V;  A = Q − V;  J = μ·V;  d = (1 − γ)(I − γP_πᵀ)⁻¹ μ
 */
import { linearSystem } from './linear-system.ts';
import { checkMdp, checkPolicy, type TabularMdp } from './mdp.ts';

/** All that a policy is worth in an MDP. */
export interface PolicyValues {
  /** state values `[S]` */
  V: Float64Array;
  /** action values `[S·A]` */
  Q: Float64Array;
  /** advantages Q − V `[S·A]` */
  A: Float64Array;
  /** discounted visitation, normalised: sums to 1, `[S]` */
  d: Float64Array;
  /** expected discounted return */
  J: number;
}

/**
 * Values, advantages, visitation and return of a policy, to rounding.
 * @param policy probabilities `[S·A]`
 * @throws DataError for an MDP or policy that is none; ConfigError for γ outside [0, 1)
 * @example const { J, A } = evaluatePolicy(mdps.cliffWorld(), policy);
 */
export function evaluatePolicy(mdp: TabularMdp, policy: Float64Array): PolicyValues {
  checkMdp(mdp);
  checkPolicy(mdp, policy);
  return valuesOf(mdp, policy);
}

/** `evaluatePolicy` without its checks, for loops. */
export function valuesOf({ S, A, P, r, mu, gamma }: TabularMdp, policy: Float64Array): PolicyValues {
  const system = new Float64Array(S * S); // I − γ P_π
  const reward = new Float64Array(S);
  for (let s = 0; s < S; s++) {
    for (let a = 0; a < A; a++) {
      const p = policy[s * A + a] as number;
      if (p === 0) continue;
      reward[s] = (reward[s] as number) + p * (r[s * A + a] as number);
      const row = (s * A + a) * S;
      for (let t = 0; t < S; t++)
        system[s * S + t] = (system[s * S + t] as number) - gamma * p * (P[row + t] as number);
    }
    system[s * S + s] = (system[s * S + s] as number) + 1;
  }
  const lu = linearSystem(system, S);
  const V = lu.solve(reward);
  const d = lu.solveTransposed(mu);
  for (let s = 0; s < S; s++) d[s] = Math.max(0, (1 - gamma) * (d[s] as number)); // −1e-18 is rounding
  const Q = new Float64Array(S * A);
  const advantages = new Float64Array(S * A);
  for (let row = 0; row < S * A; row++) {
    let next = 0;
    for (let t = 0; t < S; t++) next += (P[row * S + t] as number) * (V[t] as number);
    const q = (r[row] as number) + gamma * next;
    Q[row] = q;
    advantages[row] = q - (V[Math.floor(row / A)] as number);
  }
  let J = 0;
  for (let s = 0; s < S; s++) J += (mu[s] as number) * (V[s] as number);
  return { V, Q, A: advantages, d, J };
}

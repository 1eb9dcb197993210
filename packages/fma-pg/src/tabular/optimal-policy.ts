/**
 * The best policy of a table, by policy iteration (Howard 1960): evaluate exactly, take the best action of each state,
 * until no state has a better one. Finite: no deterministic policy comes twice.
 */
import { type PolicyValues, valuesOf } from './evaluate-policy.ts';
import { checkMdp, type TabularMdp, uniformPolicy } from './mdp.ts';

/** What the best policy is worth, and the policy: one action a state, `[S·A]`. */
export interface OptimalPolicy extends PolicyValues {
  /** probabilities, 0 or 1; among equally good actions the first */
  policy: Float64Array;
}

/**
 * A policy of the largest return from every state, and its values, to rounding.
 * @throws DataError for a table that is no MDP; ConfigError for γ outside [0, 1)
 * @example optimalPolicy(mdps.cliffWorld()).J; // .9⁶
 */
export function optimalPolicy(mdp: TabularMdp): OptimalPolicy {
  checkMdp(mdp);
  const { S, A } = mdp;
  let policy = greedy(mdp, valuesOf(mdp, uniformPolicy(mdp)).Q);
  for (;;) {
    const values = valuesOf(mdp, policy);
    const { Q, V } = values;
    let isBest = true;
    const next = greedy(mdp, Q);
    for (let s = 0; s < S; s++) {
      const best = Math.max(...Q.subarray(s * A, (s + 1) * A));
      // below this a gain is rounding, and two equally good policies would take turns
      if (best - (V[s] as number) > 1e-12 * Math.max(1, Math.abs(best))) isBest = false;
      else next.set(policy.subarray(s * A, (s + 1) * A), s * A);
    }
    if (isBest) return { ...values, policy };
    policy = next;
  }
}

function greedy({ S, A }: TabularMdp, Q: Float64Array): Float64Array {
  const policy = new Float64Array(S * A);
  for (let s = 0; s < S; s++) {
    const row = Q.subarray(s * A, (s + 1) * A);
    policy[s * A + row.indexOf(Math.max(...row))] = 1;
  }
  return policy;
}

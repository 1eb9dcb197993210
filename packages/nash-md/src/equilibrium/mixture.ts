/** The geometric mixture of a policy with its reference, and where mirror descent against it with a constant weight ends. */
import { checkShare, DataError } from '@gimbal/tensor-core';
import { checkDistribution, checkGame, type RegularizedGame } from '../games/regularized-game.ts';
import { logOf, multiply, softmax } from '../internal/vectors.ts';
import { tilted } from '../measures/measures.ts';
import { solveExact } from './solve-exact.ts';

/**
 * π^(1−β) μ^β, normalised: Nash-MD's opponent.
 * @param policy π `[n]`
 * @param ref μ `[n]`
 * @param mixtureCoef β in [0, 1], the weight of μ: 0 gives π, 1 gives μ
 * @throws DataError if no response has a probability under both
 * @example geometricMixture(Float64Array.of(0.9, 0.1), Float64Array.of(0.5, 0.5), 0.25) // .8386, .1614
 */
export function geometricMixture(policy: Float64Array, ref: Float64Array, mixtureCoef: number): Float64Array {
  checkShare('geometricMixture, mixtureCoef', mixtureCoef);
  checkDistribution('geometricMixture, ref', ref, ref.length);
  checkDistribution('geometricMixture, policy', policy, ref.length);
  if (mixtureCoef === 0) return policy.slice();
  if (mixtureCoef === 1) return ref.slice();
  if (policy.every((x, i) => x === 0 || ref[i] === 0)) {
    throw new DataError({
      where: 'geometricMixture',
      what: 'policy and reference have no response in common',
      wanted: 'at least one with a probability > 0 under both',
    });
  }
  return softmax(policy.map((x, i) => (1 - mixtureCoef) * logOf(x) + mixtureCoef * logOf(ref[i] as number)));
}

/**
 * F_β, the policy that is a best response to its own mixture with μ: π = BR_τ(π^(1−β) μ^β). Here Nash-MD with a constant
 * step ends (β = ητ), and Nash-MD-PG with a constant mixture coefficient; it is not the equilibrium π*_τ unless β = 0,
 * but its mixture with μ is one, of another regularisation: π*_{τ/(1−β)} (Calandriello et al. 2024, proposition 5.2).
 * @param mixtureCoef β in [0, 1]
 * @returns F_β = BR_τ(π*_{τ/(1−β)}), for β = 1 the best response to μ
 */
export function mixtureFixedPoint(g: RegularizedGame, mixtureCoef: number): Float64Array {
  checkGame(g, { unregularised: false });
  checkShare('mixtureFixedPoint, mixtureCoef', mixtureCoef);
  const opponent = mixtureCoef === 1 ? g.ref : solveExact({ ...g, tau: g.tau / (1 - mixtureCoef) }).policy;
  return tilted(g.ref, multiply(g.P.p, opponent), g.tau);
}

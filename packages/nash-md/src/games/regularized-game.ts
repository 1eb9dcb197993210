/**
 * The symmetric game that Nash learning solves: payoff P(π ≻ π') = πᵀPπ', each player held to a reference policy μ,
 *
 *   P_τ(π ≻ π') = πᵀPπ' − τ KL(π‖μ) + τ KL(π'‖μ)        (section 4)
 */
import { checkOption, DataError } from '@gimbal/tensor-core';
import { checkPreferences, type PreferenceMatrix } from './preference-matrix.ts';

/** A preference matrix, a reference policy, and how much leaving it costs. */
export interface RegularizedGame {
  /** P */
  readonly P: PreferenceMatrix;
  /** μ, a distribution `[n]`; responses of probability 0 are out of the game */
  readonly ref: Float64Array;
  /** τ, weight of the KL divergence (`klCoef` where models are trained); 0 only for the unregularised solvers */
  readonly tau: number;
}

/** The policy that gives every response the same probability, `[n]`. */
export const uniformPolicy = (n: number): Float64Array => new Float64Array(n).fill(1 / n);

/**
 * A game whose reference is uniform unless one is given.
 * @throws DataError for what is no preference matrix or no distribution, ConfigError for τ < 0
 * @example regularizedGame(preferenceGames.cyclic(1), 0.1, [0.7, 0.2, 0.1])
 */
export function regularizedGame(P: PreferenceMatrix, tau: number, ref?: ArrayLike<number>): RegularizedGame {
  const game = { P, tau, ref: ref === undefined ? uniformPolicy(P.n) : Float64Array.from(ref) };
  checkGame(game);
  return game;
}

/** Refuses what is no game. */
export function checkGame(g: RegularizedGame, { unregularised = true } = {}): void {
  checkPreferences(g.P);
  checkTau('game, tau', g.tau, unregularised);
  checkDistribution('game, ref', g.ref, g.P.n);
}

/** τ > 0, or ≥ 0 where the unregularised game has a meaning. */
function checkTau(where: string, tau: number, unregularised: boolean): void {
  const good = Number.isFinite(tau) && (tau > 0 || (unregularised && tau === 0));
  const fix = 'Without regularisation use solveNashLP, or the solvers mwu, omwu and extragradient with tau 0';
  checkOption(where, tau, good, `a finite number ${unregularised ? '≥' : '>'} 0`, unregularised ? undefined : fix);
}

/**
 * Refuses what is no distribution over n responses.
 * @throws DataError naming the entry
 */
export function checkDistribution(where: string, p: Float64Array, n: number): void {
  if (p.length !== n) throw new DataError({ where, what: 'wrong length', got: p.length, wanted: String(n) });
  let total = 0;
  for (const [i, x] of p.entries()) {
    if (!(x >= 0 && x < Infinity))
      throw new DataError({ where: `${where}, entry ${i}`, what: 'no probability', got: x, wanted: 'a number ≥ 0' });
    total += x;
  }
  // numbers written with six digits are each half a millionth off at most
  if (Math.abs(total - 1) <= 1e-6 + n * 5e-7) return;
  throw new DataError({ where, what: 'the probabilities do not sum to 1', got: total, wanted: '1 ± 1e-6' });
}

/**
 * Refuses a policy that gives a response a probability where the reference has none: its KL would be infinite.
 * @throws DataError naming the entry
 */
export function checkSupport(where: string, policy: Float64Array, ref: Float64Array): void {
  checkDistribution(where, policy, ref.length);
  for (const [i, x] of policy.entries()) {
    if (x === 0 || (ref[i] as number) > 0) continue;
    throw new DataError({
      where: `${where}, entry ${i}`,
      what: 'the reference gives this response probability 0, the policy does not: the KL divergence is infinite',
      got: x,
      wanted: '0, or a reference > 0 there',
    });
  }
}

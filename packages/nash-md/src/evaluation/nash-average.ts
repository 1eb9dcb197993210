/**
 * Nash averaging (Balduzzi et al. 2018): contestants are weighed as the equilibrium of the game "choose a contestant"
 * weighs them, so that adding copies of one, or weak ones, changes nothing.
 */
import { solveExact } from '../equilibrium/solve-exact.ts';
import { checkPreferences, type PreferenceMatrix } from '../games/preference-matrix.ts';
import { uniformPolicy } from '../games/regularized-game.ts';
import { multiply } from '../internal/vectors.ts';

/** Weights and skills, one a contestant. */
export interface NashAverage {
  /** the equilibrium of largest entropy `[n]`, within about 1e-3 */
  weights: Float64Array;
  /** (W weights)[i] − ½ `[n]`: what i wins against the equilibrium beyond one half; 0 for who is in it, negative for others */
  skill: Float64Array;
}

/** Small enough that the equilibrium of the regularised game is that of the game itself. */
const tau = 1e-4;

/**
 * The equilibrium of a win-rate matrix and each contestant's result against it. Of several equilibria the one of largest
 * entropy, to which the regularised equilibria with a uniform reference go as τ → 0.
 *
 * Payoffs are win rates. The paper takes log-odds, which are infinite for a rate of 0 or 1, as small samples give them.
 * @throws DataError for what is no preference matrix
 */
export function nashAverage(w: PreferenceMatrix): NashAverage {
  checkPreferences(w);
  const weights = solveExact({ P: w, ref: uniformPolicy(w.n), tau }, { tol: 1e-7 }).policy;
  return { weights, skill: multiply(w.p, weights).map((v) => v - 0.5) };
}

/**
 * How much of a preference matrix no ranking can express. Its margins M = P − ½ split into what differences of scores make
 * and what is left, orthogonal to each other (the Hodge decomposition on the complete graph, Jiang et al. 2011):
 *
 *   M_ij = (s_i − s_j) + C_ij,   s_i = mean_j M_ij,   Σ_j C_ij = 0
 */
import { checkName, DataError } from '@gimbal/tensor-core';
import { checkPreferences, type PreferenceMatrix } from '../games/preference-matrix.ts';

/** A preference matrix in two parts. */
export interface CyclicShare {
  /** ‖C‖²/‖M‖² in [0, 1]: 0 where scores explain all margins, 1 where they explain none; 0 if every pair is even */
  share: number;
  /** s, mean 0 `[n]`: the scores that explain most */
  scores: Float64Array;
  /** C, what they do not explain, `[n·n]`, antisymmetric */
  cyclic: Float64Array;
  /** triples i ≻ j ≻ k ≻ i, each pair by more than ½, as a share of all triples; 0 for n < 3 */
  cyclicTriples: number;
}

/**
 * Splits a preference matrix into its transitive and its cyclic part.
 * @param o.margins `'probability'`: P − ½ (default); `'log-odds'`: log P/(1−P), of which a Bradley–Terry matrix has a
 * cyclic share of exactly 0, but which is infinite where P is 0 or 1
 * @throws DataError for what is no preference matrix, or for a 0 or 1 in log-odds
 * @example cyclicShare(preferenceGames.cyclic(0.8)).share // 1
 */
export function cyclicShare(P: PreferenceMatrix, o: { margins?: 'probability' | 'log-odds' } = {}): CyclicShare {
  checkPreferences(P);
  const { margins = 'probability' } = o;
  checkName('cyclicShare, margins', margins, ['probability', 'log-odds']);
  const { n, p } = P;
  const M = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      const m = margins === 'probability' ? (p[i * n + j] as number) - 0.5 : logOdds(p[i * n + j] as number, i, j);
      [M[i * n + j], M[j * n + i]] = [m, -m];
    }
  }
  const scores = new Float64Array(n);
  for (let i = 0; i < n; i++) scores[i] = M.subarray(i * n, (i + 1) * n).reduce((a, b) => a + b, 0) / n;
  const cyclic = M.map((m, at) => m - ((scores[Math.floor(at / n)] as number) - (scores[at % n] as number)));
  const square = (x: Float64Array): number => x.reduce((sum, v) => sum + v * v, 0);
  const all = square(M);
  return { share: all === 0 ? 0 : square(cyclic) / all, scores, cyclic, cyclicTriples: triples(P) };
}

function logOdds(x: number, i: number, j: number): number {
  if (x > 0 && x < 1) return Math.log(x) - Math.log1p(-x);
  throw new DataError({
    where: `cyclicShare, row ${i}, column ${j}`,
    what: 'log-odds are infinite',
    got: x,
    wanted: 'a probability strictly between 0 and 1',
    fix: "Use margins: 'probability'",
  });
}

function triples({ n, p }: PreferenceMatrix): number {
  const beats = (i: number, j: number): boolean => (p[i * n + j] as number) > 0.5;
  let cycles = 0;
  for (let i = 0; i < n; i++)
    for (let j = i + 1; j < n; j++)
      for (let k = j + 1; k < n; k++)
        if ((beats(i, j) && beats(j, k) && beats(k, i)) || (beats(j, i) && beats(k, j) && beats(i, k))) cycles++;
  const total = (n * (n - 1) * (n - 2)) / 6;
  return total === 0 ? 0 : cycles / total;
}

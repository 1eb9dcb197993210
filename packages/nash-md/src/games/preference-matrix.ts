/**
 * Preferences between n responses as a matrix: float64, synchronous, no tensors. P[i·n + j] is the probability that
 * response i is preferred to response j. What every exact method here runs on.
 */
import { DataError } from '@gimbal/tensor-core';

/** Row-major `[n·n]`: entries in [0, 1], P + Pᵀ = 1, the diagonal ½. Any object of this shape will do. */
export interface PreferenceMatrix {
  /** number of responses */
  readonly n: number;
  /** p[i·n + j] = P(i ≻ j) */
  readonly p: Float64Array;
  /** names of the responses, for display */
  readonly labels?: readonly string[];
}

/** How far P + Pᵀ may be from 1. */
const tolerance = 1e-6;

/**
 * Refuses what is no preference matrix.
 * @throws DataError naming the first entry that is wrong and what it is
 */
export function checkPreferences(P: PreferenceMatrix, where = 'preference matrix'): void {
  const { n, p } = P;
  checkEntries(P, where);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = (p[i * n + j] as number) + (p[j * n + i] as number);
      if (Math.abs(sum - 1) <= tolerance) continue;
      throw new DataError({
        where: `${where}, ${i === j ? `diagonal entry ${i}` : `rows ${j} and ${i}`}`,
        what: i === j ? 'a response against itself is not even' : 'P[i][j] + P[j][i] is not 1',
        got: i === j ? sum / 2 : sum,
        wanted: i === j ? '0.5' : '1 ± 1e-6',
        fix: 'symmetrise(n, entries) averages both orders',
      });
    }
  }
  if (P.labels !== undefined && P.labels.length !== n)
    throw new DataError({ where: `${where}, labels`, what: 'wrong length', got: P.labels.length, wanted: String(n) });
}

/** Size and range alone: what is left to ask where both orders are averaged. */
function checkEntries({ n, p }: PreferenceMatrix, where: string): void {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new DataError({ where: `${where}, n`, what: 'no number of responses', got: n, wanted: 'a whole number ≥ 1' });
  if (p.length !== n * n)
    throw new DataError({ where, what: 'not square', got: p.length, wanted: `${n} × ${n} = ${n * n} entries` });
  for (let at = 0; at < p.length; at++) checkEntry(p[at], Math.floor(at / n), at % n, where);
}

function checkEntry(x: unknown, i: number, j: number, where: string): void {
  if (typeof x === 'number' && x >= 0 && x <= 1) return;
  const wanted = 'a number from 0 to 1';
  throw new DataError({ where: `${where}, row ${i}, column ${j}`, what: 'no probability', got: x, wanted });
}

/**
 * A preference matrix from its rows.
 * @param rows n rows of n probabilities
 * @throws DataError naming the row or entry that is wrong
 * @example preferenceMatrix([[0.5, 0.8], [0.2, 0.5]], ['short', 'long'])
 */
export function preferenceMatrix(rows: readonly (readonly number[])[], labels?: readonly string[]): PreferenceMatrix {
  const where = 'preference matrix';
  if (!Array.isArray(rows)) throw new DataError({ where, what: 'no list of rows', got: rows });
  const n = rows.length;
  for (const [i, row] of rows.entries()) {
    const got = (row as ArrayLike<number> | null)?.length ?? row;
    if (got === n) continue;
    throw new DataError({
      where: `${where}, row ${i}`,
      what: 'not square',
      got,
      wanted: `${n} entries, as many as rows`,
    });
  }
  // a typed array would make 0 of null and a number of a text
  for (const [i, row] of rows.entries()) for (let j = 0; j < n; j++) checkEntry(row[j], i, j, where);
  const P = {
    n,
    p: Float64Array.from(rows.flatMap((row) => Array.from(row))),
    ...(labels !== undefined && { labels }),
  };
  checkPreferences(P);
  return P;
}

/**
 * The preference matrix nearest to entries in which the order of asking matters: ½ + (Q − Qᵀ)/2.
 * @param entries Q, row-major `[n·n]`, each in [0, 1]: Q[i·n + j] where i was shown first
 * @throws DataError for an entry outside [0, 1]
 */
export function symmetrise(n: number, entries: Float64Array): PreferenceMatrix {
  checkEntries({ n, p: entries }, 'symmetrise');
  const p = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      p[i * n + j] = 0.5 + ((entries[i * n + j] as number) - (entries[j * n + i] as number)) / 2;
  return { n, p };
}

/**
 * How much the order of asking matters: the mean of |Q[i][j] + Q[j][i] − 1| over all i and j; 0 for a preference matrix.
 * @param entries Q, row-major `[n·n]`, each in [0, 1]
 */
export function orderBias(n: number, entries: Float64Array): number {
  checkEntries({ n, p: entries }, 'orderBias');
  let total = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) total += Math.abs((entries[i * n + j] as number) + (entries[j * n + i] as number) - 1);
  return total / (n * n);
}

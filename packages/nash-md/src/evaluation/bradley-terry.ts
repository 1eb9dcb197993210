/** The Bradley–Terry fit: one number a response, P(i ≻ j) = σ(r_i − r_j), as near to the preferences as that can be. */
import { DataError } from '@gimbal/tensor-core';
import { checkPreferences, type PreferenceMatrix } from '../games/preference-matrix.ts';
import { solveInPlace } from '../internal/linear-solve.ts';
import { largest } from '../internal/vectors.ts';

/**
 * Rewards r of mean 0 that maximise the expected log-likelihood Σ_{i<j} w_ij [P_ij log σ(r_i − r_j) + P_ji log σ(r_j − r_i)],
 * by Newton's method. If P is no Bradley–Terry matrix they depend on which pairs are compared how often (theorem 2).
 * @param weights w, how often each pair is compared, symmetric `[n·n]`, the diagonal ignored; default all equal
 * @returns r `[n]`
 * @throws DataError if comparisons do not connect all responses, or some win every comparison with the others: no finite r
 * @example fitBradleyTerry(preferenceGames.annotatorTypes(0.1)) // .1003, −.1003, 0
 */
export function fitBradleyTerry(P: PreferenceMatrix, weights?: Float64Array): Float64Array {
  checkPreferences(P);
  const { n, p } = P;
  const w = weights ?? new Float64Array(n * n).fill(1);
  checkWeights(w, n);
  checkConnected(P, w);
  const r = new Float64Array(n);
  if (n === 1) return r; // nothing to compare with
  let value = logLikelihood(p, w, r);
  for (let k = 0; k < 200; k++) {
    const { gradient, curvature } = derivatives(p, w, r);
    const scale = largest(curvature);
    for (let at = 0; at < n * n; at++) curvature[at] = (curvature[at] as number) + scale / n; // r of mean 0
    const step = solveInPlace(curvature, gradient, 'fitBradleyTerry');
    if (largest(step) < 1e-14) break;
    let size = 1;
    let next = r.map((v, i) => v + (step[i] as number));
    // concave: a step that is short enough gains
    while (logLikelihood(p, w, next) < value - 1e-13 * Math.abs(value) && size > 1e-10) {
      size /= 2;
      next = r.map((v, i) => v + size * (step[i] as number));
    }
    value = logLikelihood(p, w, next);
    r.set(next);
    if (size * largest(step) < 1e-14) break;
  }
  const mean = r.reduce((a, b) => a + b, 0) / n;
  return r.map((v) => v - mean);
}

/** log σ(x) without overflow. */
const logSigmoid = (x: number): number => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)));

function logLikelihood(p: Float64Array, w: Float64Array, r: Float64Array): number {
  const n = r.length;
  let total = 0;
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++)
      if (i !== j && (w[i * n + j] as number) > 0)
        total += (w[i * n + j] as number) * (p[i * n + j] as number) * logSigmoid((r[i] as number) - (r[j] as number));
  return total;
}

/** Of the log-likelihood; the curvature is minus its Hessian. */
function derivatives(
  p: Float64Array,
  w: Float64Array,
  r: Float64Array,
): { gradient: Float64Array; curvature: Float64Array } {
  const n = r.length;
  const gradient = new Float64Array(n);
  const curvature = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (i === j) continue;
      const weight = w[i * n + j] as number;
      const s = 1 / (1 + Math.exp((r[j] as number) - (r[i] as number)));
      gradient[i] = (gradient[i] as number) + weight * ((p[i * n + j] as number) - s);
      curvature[i * n + j] = -weight * s * (1 - s);
      curvature[i * n + i] = (curvature[i * n + i] as number) + weight * s * (1 - s);
    }
  }
  return { gradient, curvature };
}

function checkWeights(w: Float64Array, n: number): void {
  const where = 'fitBradleyTerry, weights';
  if (w.length !== n * n) throw new DataError({ where, what: 'not square', got: w.length, wanted: `${n} × ${n}` });
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const x = w[i * n + j] as number;
      if (i === j || (x >= 0 && x < Infinity && x === w[j * n + i])) continue;
      const at = `${where}, row ${i}, column ${j}`;
      throw new DataError({
        where: at,
        what: 'not symmetric, or no weight',
        got: x,
        wanted: 'a finite number ≥ 0, as in the other order',
      });
    }
  }
}

/** A finite maximum exists if and only if everyone reaches everyone along "won a comparison against" (Ford 1957). */
function checkConnected({ n, p, labels }: PreferenceMatrix, w: Float64Array): void {
  const name = (i: number): string => labels?.[i] ?? String(i);
  const met = (i: number, j: number): boolean => (w[i * n + j] as number) > 0;
  const apart = unreached(n, met);
  if (apart !== undefined) {
    throw new DataError({
      where: 'fitBradleyTerry',
      what: `no chain of comparisons connects ${name(0)} and ${name(apart)}: their rewards cannot be compared`,
      fix: 'Compare more pairs, or fit the parts apart',
    });
  }
  const beat = (i: number, j: number): boolean => met(i, j) && (p[i * n + j] as number) > 0;
  const other = unreached(n, beat) ?? unreached(n, (i, j) => beat(j, i));
  if (other === undefined) return;
  throw new DataError({
    where: 'fitBradleyTerry',
    what: `${name(0)} and ${name(other)} are separated: one side wins every comparison, its reward would be infinite`,
    fix: 'Add half a win to both sides of every pair',
  });
}

/** A response that cannot be reached from response 0 along `edge`. */
function unreached(n: number, edge: (from: number, to: number) => boolean): number | undefined {
  const seen = new Uint8Array(n);
  const queue = [0];
  seen[0] = 1;
  for (const i of queue) {
    for (let j = 0; j < n; j++) {
      if (seen[j] === 1 || j === i || !edge(i, j)) continue;
      seen[j] = 1;
      queue.push(j);
    }
  }
  const at = seen.indexOf(0);
  return at < 0 ? undefined : at;
}

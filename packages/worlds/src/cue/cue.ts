// The world `cue` (warm.md 5.1): dense observations of a latent quality, with a spurious cue that predicts the label in
// training and stops to predict it out of distribution; after the setting of WARM (Ramé et al., arXiv 2401.12187). The
// oracle falls where latent numbers grow large, so that over-optimising a learned reward harms.
//   r*(u) = u₀ + .8u₁ + .6u₂ + .5u₃ + .5u₄u₅ − .6 relu(u₆) − .5 relu(|u₇| − 1) − .15 (‖u‖² − 12)
//   o = tanh(u B₁ + q(u) B₂) + .3 ε,  q = the 66 products uₐu_b, a < b
import { WorldError } from '../errors.ts';
import { checkCount, checkKnown, checkRate } from '../internal/check.ts';
import { fillNormal, worldStream } from '../internal/draw.ts';
import type { Rng } from '../rng.ts';
import { type CueShift, cueShifts, cueSizes } from './shifts.ts';

/** What the world is like. */
export interface CueOptions {
  /** Seed of the matrices, which belong to the world and not to a run (777). */
  worldSeed?: number;
  /** Standard deviation of an observation's noise (.3). */
  noise?: number;
}

/** Draws of the world. */
export interface CueBatch {
  /** How many. */
  readonly n: number;
  /** [n·12], row by row */
  readonly latents: Float64Array;
  /** [n·64], all that a model sees */
  readonly observations: Float32Array;
  /** r* [n] */
  readonly qualities: Float64Array;
}

/** Labelled pairs of draws. */
export interface CuePairs {
  /** How many. */
  readonly n: number;
  /** [n·64], of the draws that the labels call better */
  readonly chosen: Float32Array;
  /** [n·64], of the others */
  readonly rejected: Float32Array;
  /** [n], 1 where the label was turned round */
  readonly swapped: Uint8Array;
}

/** How pairs are drawn and labelled. */
export interface CuePairsOptions {
  /** The distribution (`cueShifts.id`). */
  shift?: CueShift;
  /** P(a label is turned round), in [0, .5) (0). */
  swap?: number;
}

/** The world. It holds no state but its matrices: streams are arguments. */
export interface Cue {
  /** Draws latents, observations and qualities. */
  draw(n: number, rng: Rng, shift?: CueShift): CueBatch;
  /** Draws pairs of independent draws, the one of higher quality preferred, labels turned round with probability `swap`. */
  pairs(n: number, rng: Rng, o?: CuePairsOptions): CuePairs;
  /** r* of latent vectors [n·12] → [n]. */
  quality(latents: ArrayLike<number>): Float64Array;
  /** Observations of latent vectors [n·12] → [n·64], with fresh noise. */
  observe(latents: ArrayLike<number>, rng: Rng): Float32Array;
  /** What a body is pretrained to predict: sin(1.5 u P) [n·24]. */
  targets(latents: ArrayLike<number>): Float32Array;
}

const { sin, tanh } = Math; // see draw.ts

const { latent: L, observed: O, target: T } = cueSizes;
const products = (L * (L - 1)) / 2;

/**
 * Makes the world.
 * @throws WorldError (`config`) for an unknown or impossible option
 * @example
 * const world = cue();
 * const { chosen, rejected } = world.pairs(1000, rng(0), { swap: 0.25 });
 */
export function cue(o: CueOptions = {}): Cue {
  const where = 'cue';
  checkKnown(where, o, ['worldSeed', 'noise']);
  const { worldSeed = 777, noise = 0.3 } = o;
  checkCount(where, 'worldSeed', worldSeed, 0);
  if (!(noise >= 0))
    throw new WorldError('config', { where, what: 'noise is out of range', got: noise, wanted: '≥ 0' });
  const stream = worldStream(worldSeed);
  const linear = fillNormal(new Float64Array(L * O), stream, Math.sqrt(1 / 12));
  const quadratic = fillNormal(new Float64Array(products * O), stream, Math.sqrt(0.25 / 72));
  const pretraining = fillNormal(new Float64Array(L * T), stream, Math.sqrt(1 / 12));

  const rowsOf = (latents: ArrayLike<number>): number => {
    if (latents.length % L === 0) return latents.length / L;
    const wanted = `a multiple of ${L}`;
    throw new WorldError('data', { where, what: 'latent vectors of another length', got: latents.length, wanted });
  };
  const quality = (latents: ArrayLike<number>): Float64Array =>
    Float64Array.from({ length: rowsOf(latents) }, (_, i) => qualityAt(latents, i * L));
  const observe = (latents: ArrayLike<number>, rng: Rng): Float32Array => {
    const n = rowsOf(latents);
    const out = fillNormal(new Float32Array(n * O), rng, noise);
    const sums = new Float64Array(O);
    for (let i = 0; i < n; i++) {
      sums.fill(0);
      const u = (a: number): number => latents[i * L + a] as number;
      let product = 0;
      for (let a = 0; a < L; a++) {
        addScaled(sums, linear, a * O, u(a));
        for (let b = a + 1; b < L; b++) addScaled(sums, quadratic, product++ * O, u(a) * u(b));
      }
      for (let k = 0; k < O; k++) out[i * O + k] = (out[i * O + k] as number) + tanh(sums[k] as number);
    }
    return out;
  };
  const draw = (n: number, rng: Rng, shift: CueShift = cueShifts.id): CueBatch => {
    checkCount('cue.draw', 'n', n, 1);
    checkRate('cue.draw', 'correlation', shift.correlation);
    const { scale } = shift;
    if (!(scale > 0)) {
      throw new WorldError('config', { where: 'cue.draw', what: 'scale is out of range', got: scale, wanted: '> 0' });
    }
    const latents = fillNormal(new Float64Array(n * L), rng, scale);
    if (shift.correlation > 0) plantCue(latents, quality(latents), shift, rng);
    return { n, latents, observations: observe(latents, rng), qualities: quality(latents) };
  };

  return {
    draw,
    quality,
    observe,
    pairs(n, rng, { shift = cueShifts.id, swap = 0 } = {}) {
      if (!(swap >= 0 && swap < 0.5)) {
        const wanted = 'a number from 0 to below .5';
        throw new WorldError('config', { where: 'cue.pairs', what: 'swap is out of range', got: swap, wanted });
      }
      const { observations, qualities } = draw(2 * n, rng, shift);
      const [chosen, rejected, swapped] = [new Float32Array(n * O), new Float32Array(n * O), new Uint8Array(n)];
      for (let i = 0; i < n; i++) {
        swapped[i] = Number(rng.uniform() < swap);
        const firstIsBetter = (qualities[2 * i] as number) >= (qualities[2 * i + 1] as number);
        const better = firstIsBetter !== (swapped[i] === 1) ? 2 * i : 2 * i + 1;
        const worse = 4 * i + 1 - better;
        chosen.set(observations.subarray(better * O, (better + 1) * O), i * O);
        rejected.set(observations.subarray(worse * O, (worse + 1) * O), i * O);
      }
      return { n, chosen, rejected, swapped };
    },
    targets(latents) {
      const n = rowsOf(latents);
      const out = new Float32Array(n * T);
      const sums = new Float64Array(T);
      for (let i = 0; i < n; i++) {
        sums.fill(0);
        for (let a = 0; a < L; a++) addScaled(sums, pretraining, a * T, latents[i * L + a] as number);
        for (let k = 0; k < T; k++) out[i * T + k] = sin(1.5 * (sums[k] as number));
      }
      return out;
    },
  };
}

function qualityAt(latents: ArrayLike<number>, at: number): number {
  const u = (a: number): number => latents[at + a] as number;
  let square = 0;
  for (let a = 0; a < L; a++) square += u(a) ** 2;
  return (
    u(0) +
    0.8 * u(1) +
    0.6 * u(2) +
    0.5 * u(3) +
    0.5 * u(4) * u(5) -
    0.6 * Math.max(u(6), 0) -
    0.5 * Math.max(Math.abs(u(7)) - 1, 0) -
    0.15 * (square - 12)
  );
}

/** The last latent number follows the standardised oracle: u₁₁ ← s (ρ ẑ + √(1 − ρ²) ε). */
function plantCue(latents: Float64Array, oracle: Float64Array, { scale, correlation }: CueShift, rng: Rng): void {
  const n = oracle.length;
  const mean = oracle.reduce((a, b) => a + b, 0) / n;
  const std = Math.sqrt(oracle.reduce((a, r) => a + (r - mean) ** 2, 0) / n) || 1;
  const fresh = fillNormal(new Float64Array(n), rng);
  for (let i = 0; i < n; i++) {
    const z = ((oracle[i] as number) - mean) / std;
    latents[i * L + L - 1] = scale * (correlation * z + Math.sqrt(1 - correlation ** 2) * (fresh[i] as number));
  }
}

function addScaled(sums: Float64Array, matrix: Float64Array, from: number, factor: number): void {
  for (let k = 0; k < sums.length; k++) sums[k] = (sums[k] as number) + factor * (matrix[from + k] as number);
}

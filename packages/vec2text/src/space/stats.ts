// How a model's codes are spread: what noise scales, priors and similarities are measured by.
import { refusal } from '../internal/refuse.ts';
import { type Codes, rowsOf } from './codes.ts';
import type { ControlSpace, SpaceKind } from './control-space.ts';

/** The spread of codes; plain numbers, stored with a model. */
export interface SpaceStats {
  /** The space that the codes were in. */
  readonly kind: SpaceKind;
  /** Codes that were counted. */
  readonly count: number;
  /** Mean by coordinate [k]. */
  readonly mean: Float32Array;
  /** Standard deviation by coordinate [k]. */
  readonly std: Float32Array;
  /** L with L Lᵀ = covariance + 1e-4·I, lower triangular, row after row [k·k]. */
  readonly cholesky: Float32Array;
  /** Root mean square of the centred coordinates. */
  readonly rms: number;
  /** Share of coordinates with |z| > .99. */
  readonly saturation: number;
}

/**
 * The statistics of codes. Sums are double.
 * @throws DataError (`TOO_FEW`) for fewer than two codes; ShapeError, NumericalError for codes that are none
 */
export function spaceStats(space: ControlSpace, codes: Codes): SpaceStats {
  const k = space.dim;
  const rows = rowsOf('vec2text: statistics', codes, k);
  const n = rows.length;
  if (n < 2) throw refusal('TOO_FEW', { where: 'vec2text: statistics', what: 'too few codes', got: n, wanted: '≥ 2' });
  const mean = new Float64Array(k);
  let saturated = 0;
  for (const row of rows)
    for (let j = 0; j < k; j++) {
      mean[j] = (mean[j] as number) + (row[j] as number) / n;
      if (Math.abs(row[j] as number) > 0.99) saturated++;
    }
  const covariance = new Float64Array(k * k);
  for (const row of rows)
    for (let i = 0; i < k; i++) {
      const a = (row[i] as number) - (mean[i] as number);
      for (let j = 0; j <= i; j++)
        covariance[i * k + j] =
          (covariance[i * k + j] as number) + (a * ((row[j] as number) - (mean[j] as number))) / n;
    }
  const variances = Float64Array.from({ length: k }, (_, i) => covariance[i * k + i] as number);
  return {
    kind: space.kind,
    count: n,
    mean: Float32Array.from(mean),
    std: Float32Array.from(variances, Math.sqrt),
    cholesky: choleskyFactor(covariance, k),
    rms: Math.sqrt(variances.reduce((sum, v) => sum + v, 0) / k),
    saturation: saturated / (n * k),
  };
}

/** Cholesky–Banachiewicz of the lower triangle + 1e-4·I, which is positive definite whatever rounding did. */
function choleskyFactor(covariance: Float64Array, k: number): Float32Array {
  const L = new Float64Array(k * k);
  const at = (i: number, j: number): number => L[i * k + j] as number;
  for (let i = 0; i < k; i++)
    for (let j = 0; j <= i; j++) {
      let rest = (covariance[i * k + j] as number) + (i === j ? 1e-4 : 0);
      for (let m = 0; m < j; m++) rest -= at(i, m) * at(j, m);
      L[i * k + j] = i === j ? Math.sqrt(rest) : rest / at(j, j);
    }
  return Float32Array.from(L);
}

/** μ + L a: standard normal numbers [k] as codes are spread. */
export function coloured(a: ArrayLike<number>, { mean, cholesky }: SpaceStats): Float32Array {
  const k = mean.length;
  return mean.map((m, i) => {
    let x = m;
    for (let j = 0; j <= i; j++) x += (cholesky[i * k + j] as number) * (a[j] as number);
    return x;
  });
}

/**
 * The statistics where an operation needs them.
 * @throws ConfigError (`NO_STATS`) where there are none, or they are of another space
 */
export function statsFor(where: string, space: ControlSpace, stats: SpaceStats | undefined): SpaceStats {
  if (stats == null) {
    const fix = 'Pass stats: a trained model has them, spaceStats makes them of codes';
    throw refusal('NO_STATS', {
      where,
      what: 'it is measured by the spread of codes, and no statistics are given',
      fix,
    });
  }
  const { mean, std, cholesky, rms } = stats;
  if (![mean, std, cholesky].every((x) => ArrayBuffer.isView(x)) || !(rms >= 0 && Number.isFinite(rms))) {
    const wanted = 'stats: { kind, mean, std, cholesky, rms, … }, of a trained model or of spaceStats';
    throw refusal('NO_STATS', { where, what: 'the statistics are none', wanted });
  }
  const k = space.dim;
  if (stats.kind === space.kind && mean.length === k && std.length === k && cholesky.length === k * k) return stats;
  throw refusal('NO_STATS', {
    where,
    what: 'the statistics are of another space',
    got: `${stats.kind} of ${stats.mean.length}`,
    wanted: `${space.kind} of ${space.dim}`,
  });
}

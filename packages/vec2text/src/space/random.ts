// Codes by chance: near a code, or out of nothing.
import { optionNames, type Rng } from '@gimbal/tensor-core';
import { checkKnown, checkName } from '../internal/check-names.ts';
import { checkRng } from '../internal/check-rng.ts';
import { refusal } from '../internal/refuse.ts';
import { checkCount, checkSize, checkThat } from './check-size.ts';
import { type Codes, rowsOf } from './codes.ts';
import type { ControlSpace } from './control-space.ts';
import { codesInside } from './inside.ts';
import { coloured, type SpaceStats, statsFor } from './stats.ts';

/**
 * One stream a row: a row's numbers do not depend on how many rows stand beside it. A number is drawn from `rng`, so the
 * next call has others.
 */
function rowStreams(rng: Rng): (row: number) => Rng {
  const call = rng.split(rng.int(2 ** 32));
  return (row) => call.split(row);
}

/** How far to go. */
export interface PerturbOptions {
  /** σ ≥ 0. */
  scale: number;
  /** What σ counts: root mean squares of the codes (`rms`, needs `stats`), or the space's own unit. */
  unit?: 'rms' | 'absolute';
  /** Of the codes. */
  stats?: SpaceStats;
  /** Where the noise comes from; one number is drawn. */
  rng: Rng;
}

const perturbNames = optionNames<PerturbOptions>({ scale: true, unit: true, stats: true, rng: true });

/**
 * Codes near codes: project(z + σ·rms·ε), ε standard normal, a row's own stream.
 * @throws ConfigError for a scale out of range or `rms` without statistics (`NO_STATS`); DataError (`OUT_OF_SPACE`),
 * ShapeError, NumericalError for codes that are none
 */
export function perturb(space: ControlSpace, z: Codes, o: PerturbOptions): Codes {
  const where = 'vec2text: perturb';
  checkKnown('perturb', o, perturbNames);
  const { scale, unit = 'rms', stats, rng } = o;
  checkName('perturb.unit', unit, ['rms', 'absolute']);
  checkThat('perturb.scale', Number.isFinite(scale) && scale >= 0, scale, 'a finite number ≥ 0');
  checkRng('perturb.rng', rng);
  const sigma = scale * (unit === 'rms' ? statsFor(where, space, stats).rms : 1);
  const rows = rowsOf(where, codesInside(where, space, z), space.dim);
  const stream = rowStreams(rng);
  const out = new Float32Array(z.length);
  rows.forEach((row, i) => {
    const own = stream(i);
    for (let j = 0; j < space.dim; j++) out[i * space.dim + j] = (row[j] as number) + sigma * own.normal();
  });
  return sigma === 0 ? Float32Array.from(z) : space.projectCodes(out);
}

/** Where samples come from. */
export interface SampleOptions {
  /** Every place alike; the normal distribution of the statistics, projected; or one of given codes. */
  prior: 'uniform' | 'gaussian-fit' | 'empirical';
  /** For `gaussian-fit`. */
  stats?: SpaceStats;
  /** For `empirical`: the codes to draw from, each equally likely. */
  codes?: Codes;
  /** Where chance comes from; one number is drawn. */
  rng: Rng;
}

const sampleNames = optionNames<SampleOptions>({ prior: true, stats: true, codes: true, rng: true });

/**
 * n codes by chance, each from its own stream.
 * @throws ConfigError for options out of range, a prior that lacks what it needs (`NO_STATS`), or the uniform prior of an
 * unbounded space (`UNBOUNDED`)
 */
export function sample(space: ControlSpace, n: number, o: SampleOptions): Codes {
  const where = 'vec2text: sample';
  checkKnown('sample', o, sampleNames);
  const { prior, stats, codes, rng } = o;
  checkSize('sample.n', n);
  checkCount('sample.n', n, space.dim);
  checkName('sample.prior', prior, ['uniform', 'gaussian-fit', 'empirical']);
  checkRng('sample.rng', rng);
  const draw = {
    uniform: () => uniform(where, space),
    'gaussian-fit': () => gaussian(statsFor(where, space, stats)),
    empirical: () => empirical(where, space, codes),
  }[prior]();
  const stream = rowStreams(rng);
  const out = new Float32Array(n * space.dim);
  for (let i = 0; i < n; i++) out.set(draw(stream(i)), i * space.dim);
  return prior === 'gaussian-fit' ? space.projectCodes(out) : out;
}

type Draw = (rng: Rng) => Float32Array;

function uniform(where: string, { kind, dim }: ControlSpace): Draw {
  if (kind === 'free') {
    const fix = 'Use the prior gaussian-fit or empirical';
    throw refusal('UNBOUNDED', { where, what: 'a space without bounds has no uniform prior', fix });
  }
  if (kind === 'box') return (rng) => Float32Array.from({ length: dim }, () => 2 * rng.uniform() - 1);
  // a normal vector's direction is uniform; a ball's radius has the density k r^(k−1)
  return (rng) => {
    const x = Float64Array.from({ length: dim }, () => rng.normal());
    const radius = kind === 'ball' ? rng.uniform() ** (1 / dim) : 1;
    const norm = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
    return Float32Array.from(x, (v) => (radius * v) / norm);
  };
}

const gaussian =
  (stats: SpaceStats): Draw =>
  (rng) =>
    coloured(
      Float64Array.from(stats.mean, () => rng.normal()),
      stats,
    );

function empirical(where: string, space: ControlSpace, codes: Codes | undefined): Draw {
  if (codes === undefined)
    throw refusal('NO_STATS', { where, what: 'the empirical prior draws from codes, and none are given' });
  const rows = rowsOf(where, codesInside(where, space, codes), space.dim);
  return (rng) => rng.choice(rows);
}

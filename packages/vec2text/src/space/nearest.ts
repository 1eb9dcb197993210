// Which codes are near.
import { checkKnown, checkName } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import { checkSize } from './check-size.ts';
import { type Codes, rowsOf } from './codes.ts';
import type { ControlSpace } from './control-space.ts';
import { type SpaceStats, statsFor } from './stats.ts';

/** A code of the index. */
export interface Neighbour {
  /** Its row in the index. */
  row: number;
  /** 1 − cosine of the centred codes, or ‖z − index‖. */
  distance: number;
}

/**
 * For every code the k nearest of an index, nearest first; of equal ones the first.
 * @param index the codes to search [n·dim]
 * @param k at most n
 * @param o.metric `cosine-centred` (default): the mean of `stats` is taken from both before the cosine, as codes share a
 * large common part; or `l2`
 * @throws ConfigError for k out of range or a missing mean (`NO_STATS`); ShapeError, NumericalError for codes that are none
 */
export function nearest(
  space: ControlSpace,
  z: Codes,
  index: Codes,
  k: number,
  o: { metric?: 'cosine-centred' | 'l2'; stats?: SpaceStats } = {},
): Neighbour[][] {
  const where = 'vec2text: nearest';
  checkKnown('nearest', o, ['metric', 'stats']);
  const { metric = 'cosine-centred', stats } = o;
  checkName('nearest.metric', metric, ['cosine-centred', 'l2']);
  checkSize('nearest.k', k);
  const mean = metric === 'l2' ? undefined : statsFor(where, space, stats).mean;
  const [queries, known] = [z, index].map((codes) => rowsOf(where, codes, space.dim)) as [Codes[], Codes[]];
  if (k > known.length)
    throw refusal('CONFIG', {
      where: 'nearest.k',
      what: 'more than there are codes',
      got: k,
      wanted: `at most ${known.length}`,
    });
  const prepare = (rows: Codes[]): Float64Array[] =>
    rows.map((row) => (mean ? centredDirection(row, mean) : Float64Array.from(row)));
  const [from, to] = [prepare(queries), prepare(known)];
  return from.map((x) =>
    to
      .map((y, row) => ({
        row,
        distance: mean ? 1 - dot(x, y) : Math.sqrt(y.reduce((s, v, j) => s + (v - (x[j] as number)) ** 2, 0)),
      }))
      .sort((a, b) => a.distance - b.distance || a.row - b.row)
      .slice(0, k),
  );
}

/**
 * The cosine of centred codes, row by row: (a−μ)·(b−μ) / ‖a−μ‖‖b−μ‖; 0 where one of them is the mean.
 * @throws ShapeError where the rows differ in number; ConfigError (`NO_STATS`)
 */
export function centredCosine(space: ControlSpace, a: Codes, b: Codes, stats: SpaceStats): Float32Array {
  const where = 'vec2text: centredCosine';
  const { mean } = statsFor(where, space, stats);
  const [x, y] = [a, b].map((z) => rowsOf(where, z, space.dim)) as [Codes[], Codes[]];
  if (x.length !== y.length)
    throw refusal('SHAPE', { where, what: 'the rows differ in number', got: [x.length, y.length] });
  return Float32Array.from(x, (row, i) => dot(centredDirection(row, mean), centredDirection(y[i] as Codes, mean)));
}

function centredDirection(row: Codes, mean: Float32Array): Float64Array {
  const x = Float64Array.from(row, (v, j) => v - (mean[j] as number));
  const norm = Math.sqrt(dot(x, x));
  return norm === 0 ? x : x.map((v) => v / norm);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += (a[j] as number) * (b[j] as number);
  return sum;
}

// The way between two codes.
import { optionNames } from '@gimbal/tensor-core';
import { checkKnown, checkName } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import { checkCount, checkSize, checkThat } from './check-size.ts';
import { type Codes, rowsOf } from './codes.ts';
import { type ControlSpace, normOf, zeroOnSphere } from './control-space.ts';
import { codesInside } from './inside.ts';

/** How to go. */
export interface InterpolateOptions {
  /**
   * `lerp`, (1−α)a + αb, or `slerp`: the direction turns evenly and the length goes from ‖a‖ to ‖b‖ (on the sphere `slerp`,
   * else `lerp`).
   */
  mode?: 'lerp' | 'slerp';
  /** The n places α, instead of even ones from 0 to 1. */
  alphas?: readonly number[];
  /** Allow α below 0 or above 1. */
  extrapolate?: boolean;
  /** Bring points that leave the space back into it; else they are refused, and so is `lerp` on the sphere. */
  project?: boolean;
}

const names = optionNames<InterpolateOptions>({ mode: true, alphas: true, extrapolate: true, project: true });

/**
 * Codes from a to b.
 * @param a one code, or several
 * @param b as many
 * @param n points for each pair, both ends included; 1 is the middle. With `alphas`, their number
 * @returns the points of a pair one after the other, [pairs·n·k]
 * @throws ConfigError for options out of range; DataError (`OUT_OF_SPACE`); NumericalError (`DEGENERATE`) for the slerp of a
 * zero vector or of opposite ones; ShapeError
 */
export function interpolate(space: ControlSpace, a: Codes, b: Codes, n: number, o: InterpolateOptions = {}): Codes {
  const where = 'vec2text: interpolate';
  checkKnown('interpolate', o, names);
  const { mode = space.kind === 'sphere' ? 'slerp' : 'lerp', extrapolate = false, project = false } = o;
  checkName('interpolate.mode', mode, ['lerp', 'slerp']);
  checkSize('interpolate.n', n);
  if (o.alphas === undefined) checkCount('interpolate.n', n, space.dim);
  // which of the two was meant is not known
  else checkThat('interpolate.n', n === o.alphas.length, n, `the number of alphas, ${o.alphas.length}`);
  const alphas = o.alphas ?? Array.from({ length: n }, (_, i) => (n === 1 ? 0.5 : i / (n - 1)));
  const wild = alphas.find((x) => !Number.isFinite(x) || (!extrapolate && (x < 0 || x > 1)));
  checkThat('interpolate.alphas', wild === undefined, wild, 'numbers from 0 to 1; others with extrapolate: true');
  if (mode === 'lerp' && !space.convex && !project) {
    const fix = 'Use mode: slerp, or project: true to renormalise';
    throw refusal('OUT_OF_SPACE', { where, what: 'the straight way between two codes leaves the sphere', fix });
  }
  const [from, to] = [a, b].map((z) => rowsOf(where, codesInside(where, space, z), space.dim)) as [Codes[], Codes[]];
  if (from.length !== to.length)
    throw refusal('SHAPE', { where, what: 'the ends differ in number', got: [from.length, to.length] });
  const k = space.dim;
  checkCount('interpolate.n: pairs times points', from.length * alphas.length, k);
  const out = new Float32Array(from.length * alphas.length * k);
  const point = mode === 'lerp' ? lerp : slerp;
  from.forEach((x, i) => {
    alphas.forEach((alpha, j) => {
      point(x, to[i] as Codes, alpha, out.subarray((i * alphas.length + j) * k, (i * alphas.length + j + 1) * k), i);
    });
  });
  return project || (mode === 'slerp' && space.kind !== 'free' && !extrapolate)
    ? space.projectCodes(out)
    : codesInside(where, space, out);
}

function lerp(a: Codes, b: Codes, alpha: number, out: Codes): void {
  for (let j = 0; j < out.length; j++) out[j] = (1 - alpha) * (a[j] as number) + alpha * (b[j] as number);
}

/** Below this angle the sines' ratio is the straight line's to 1e-12. */
const small = 1e-6;

function slerp(a: Codes, b: Codes, alpha: number, out: Codes, row: number): void {
  const where = 'vec2text: slerp';
  const [na, nb] = [normOf(a), normOf(b)];
  if (na === 0 || nb === 0) throw zeroOnSphere(where, row);
  // of the unit vectors: half the angle by its tangent, exact for small and for large angles
  let [difference, sum] = [0, 0];
  for (let j = 0; j < a.length; j++) {
    const [x, y] = [(a[j] as number) / na, (b[j] as number) / nb];
    difference += (x - y) ** 2;
    sum += (x + y) ** 2;
  }
  const angle = 2 * Math.atan2(Math.sqrt(difference), Math.sqrt(sum));
  if (Math.PI - angle < 1e-4) {
    const what = `row ${row}: the codes are opposite, so no way between them is the shortest`;
    throw refusal('DEGENERATE', { where, what, fix: 'Go through a third code' });
  }
  // beyond the ends the length may fall under 0, where the direction would turn round
  const length = Math.max(0, (1 - alpha) * na + alpha * nb);
  const [wa, wb] =
    angle < small
      ? [1 - alpha, alpha]
      : [Math.sin((1 - alpha) * angle) / Math.sin(angle), Math.sin(alpha * angle) / Math.sin(angle)];
  for (let j = 0; j < out.length; j++) out[j] = length * ((wa * (a[j] as number)) / na + (wb * (b[j] as number)) / nb);
}

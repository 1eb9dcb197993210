// Codes of a user's: in the space, or brought there, or refused.
import { refusal } from '../internal/refuse.ts';
import { type Codes, rowsOf } from './codes.ts';
import type { ControlSpace } from './control-space.ts';

/**
 * Codes that are in the space: projected if asked for, else as they are.
 * @throws DataError (`OUT_OF_SPACE`) for a row outside, ShapeError, NumericalError
 */
export function codesInside(where: string, space: ControlSpace, z: Codes, project = false): Codes {
  const rows = rowsOf(where, z, space.dim);
  if (project) return space.projectCodes(z);
  const outside = space.contains(z).indexOf(false);
  if (outside < 0) return z;
  const row = rows[outside] as Float32Array;
  const { kind } = space;
  const far = row.reduce((best, x, j) => (Math.abs(x) > Math.abs(row[best] as number) ? j : best), 0);
  const norm = Math.sqrt(row.reduce((sum, x) => sum + x * x, 0));
  if (kind === 'sphere' && norm === 0)
    throw refusal('DEGENERATE', { where: `${where} row ${outside}`, what: 'a zero vector, which has no direction' });
  const what =
    kind === 'box'
      ? `|z[${far}]| = ${short(Math.abs(row[far] as number))} > 1 (box)`
      : `‖z‖ = ${short(norm)} ${kind === 'ball' ? '> 1' : '≠ 1'} (${kind})`;
  throw refusal('OUT_OF_SPACE', { where: `${where} row ${outside}`, what, fix: 'Pass project: true' });
}

const short = (x: number): string => String(Number(x.toPrecision(6)));

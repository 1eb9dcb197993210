// Codes in JavaScript: n rows of k numbers in one array.
import { refusal } from '../internal/refuse.ts';
import { checkSize } from './check-size.ts';

/** n codes of k coordinates, row after row [n·k]. */
export type Codes = Float32Array;

/**
 * The rows of codes, as views.
 * @throws ShapeError (`SHAPE`) where the array is no whole number of rows, or none; NumericalError (`NOT_FINITE`) for NaN or
 * ±∞, naming row and coordinate
 */
export function rowsOf(where: string, z: Codes, dim: number, { finite = true } = {}): Float32Array[] {
  checkFloats(where, 'codes', z, `n·${dim} numbers`);
  if (z.length === 0 || z.length % dim !== 0) {
    const what = z.length === 0 ? 'there is no code' : 'the length is no whole number of codes';
    throw refusal('SHAPE', { where, what, got: z.length, wanted: `a multiple of ${dim}, the space’s coordinates` });
  }
  const rows = Array.from({ length: z.length / dim }, (_, i) => z.subarray(i * dim, (i + 1) * dim));
  if (finite) {
    const bad = z.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0) {
      const what = `row ${Math.floor(bad / dim)}, coordinate ${bad % dim} is no finite number`;
      throw refusal('NOT_FINITE', { where, what, got: z[bad] });
    }
  }
  return rows;
}

/**
 * One array of separate codes, such as rows that came from somewhere else.
 * @param dim coordinates of a code: `space.dim`
 * @throws ShapeError (`SHAPE`) naming the first row of another width; ConfigError (`CONFIG`) without rows or dim
 */
export function joinCodes(rows: readonly ArrayLike<number>[], dim: number): Codes {
  checkSize('joinCodes.dim', dim);
  if (!Array.isArray(rows))
    throw refusal('CONFIG', { where: 'joinCodes.rows', what: 'no list of rows', got: typeof rows });
  const wrong = rows.findIndex((row) => typeof row !== 'object' || row?.length !== dim);
  if (wrong >= 0) {
    const what = `row ${wrong} has another width than the space`;
    throw refusal('SHAPE', { where: 'joinCodes', what, got: rows[wrong]?.length, wanted: String(dim) });
  }
  const out = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    out.set(row, i * dim);
  });
  return out;
}

/** Refuses what is no Float32Array, of whatever realm. @throws ShapeError (`SHAPE`) */
export function checkFloats(where: string, name: string, z: unknown, wanted: string): void {
  const kind = Object.prototype.toString.call(z).slice(8, -1);
  if (kind === 'Float32Array') return;
  throw refusal('SHAPE', { where, what: `${name} are numbers in one Float32Array`, got: kind, wanted });
}

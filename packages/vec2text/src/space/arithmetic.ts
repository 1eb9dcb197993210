// Sums of codes: z + (mean of some − mean of others).
import { checkKnown } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import { checkThat } from './check-size.ts';
import { type Codes, rowsOf } from './codes.ts';
import type { ControlSpace } from './control-space.ts';
import { codesInside } from './inside.ts';

/** A part of a sum. */
export interface Term {
  /** Codes, or vectors that are none, such as differences; one row is added to every row of the others. */
  z: Codes;
  /** Its weight. */
  w: number;
}

/**
 * Σ w z, row by row, within the space.
 * @param o.project bring results outside back in; else they are refused
 * @throws DataError (`OUT_OF_SPACE`); NumericalError (`DEGENERATE`) for a zero vector on the sphere; ShapeError where the
 * terms differ in rows; ConfigError for a weight that is no number
 */
export function arithmetic(space: ControlSpace, terms: readonly Term[], o: { project?: boolean } = {}): Codes {
  const where = 'vec2text: arithmetic';
  checkKnown('arithmetic', o, ['project']);
  if (!Array.isArray(terms) || !Array.from(terms, (term) => typeof term === 'object' && term !== null).every(Boolean))
    throw refusal('CONFIG', { where: 'arithmetic.terms', what: 'no list of terms', wanted: '[{ z, w }]' });
  if (terms.length === 0) throw refusal('CONFIG', { where, what: 'there is no term' });
  const parts = terms.map(({ z, w }) => {
    checkThat('arithmetic.w', Number.isFinite(w), w, 'a finite number');
    return rowsOf(where, z, space.dim);
  });
  const n = Math.max(...parts.map((rows) => rows.length));
  const uneven = parts.findIndex((rows) => rows.length !== 1 && rows.length !== n);
  if (uneven >= 0)
    throw refusal('SHAPE', {
      where,
      what: `term ${uneven} has another number of rows`,
      got: parts[uneven]?.length,
      wanted: `1 or ${n}`,
    });
  const k = space.dim;
  const out = new Float32Array(n * k);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < k; j++)
      out[i * k + j] = parts.reduce((sum, rows, t) => {
        const row = (rows.length === 1 ? rows[0] : rows[i]) as Codes;
        return sum + (terms[t] as Term).w * (row[j] as number);
      }, 0);
  return codesInside(where, space, out, o.project);
}

/**
 * The mean of codes [k]: a vector, on the sphere no code.
 * @throws ShapeError, NumericalError
 */
export function meanCode(space: ControlSpace, z: Codes): Codes {
  const rows = rowsOf('vec2text: mean', z, space.dim);
  return Float32Array.from(
    { length: space.dim },
    (_, j) => rows.reduce((sum, row) => sum + (row[j] as number), 0) / rows.length,
  );
}

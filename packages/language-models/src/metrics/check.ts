// What every metric of texts against references asks for.
import { DataError } from '@gimbal/tensor-core';

/** The references of each prediction: one, or several. */
export type References = readonly (string | readonly string[])[];

/**
 * One list of references a prediction.
 * @throws DataError naming both counts where they differ, or a prediction without a reference
 */
export function referencesOf(
  where: string,
  predictions: readonly string[],
  references: References,
): readonly (readonly string[])[] {
  if (references.length !== predictions.length) {
    throw new DataError({
      where,
      what: 'predictions and references differ in number',
      got: `${predictions.length} predictions, ${references.length} references`,
      wanted: 'one reference, or one list of them, for each prediction',
    });
  }
  return references.map((r, i) => {
    const list = typeof r === 'string' ? [r] : r;
    if (list.length > 0) return list;
    throw new DataError({ where, what: `prediction ${i} has no reference`, wanted: 'at least one' });
  });
}

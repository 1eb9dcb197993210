// Setting rows aside for evaluation.
import { DataError, type Rng } from '@gimbal/tensor-core';
import type { Dataset, RowKind } from './rows.ts';

/**
 * Splits a data set at random.
 * @param heldOut a share in (0, 1), rounded to at least one row, or a number of rows
 * @throws DataError if a part would be empty
 */
export function splitDataset<K extends RowKind>(
  data: Dataset<K>,
  heldOut: number,
  rng: Rng,
): { train: Dataset<K>; heldOut: Dataset<K> } {
  const n = data.rows.length;
  const count = heldOut < 1 ? Math.max(1, Math.round(heldOut * n)) : heldOut;
  if (!(Number.isSafeInteger(count) && count > 0 && count < n)) {
    throw new DataError({
      where: 'held-out rows',
      what: 'both parts need at least one row',
      got: `${heldOut} of ${n} rows`,
      wanted: `a share below 1, or 1 to ${n - 1} rows`,
      fix: n < 2 ? 'Add rows' : 'Hold out fewer',
    });
  }
  const order = rng.shuffle(Array.from({ length: n }, (_, i) => i));
  const chosen = new Set(order.slice(0, count));
  return { train: pick(data, (i) => !chosen.has(i)), heldOut: pick(data, (i) => chosen.has(i)) };
}

/** The rows whose index passes, in their order. */
function pick<K extends RowKind>(data: Dataset<K>, passes: (index: number) => boolean): Dataset<K> {
  const indices = data.rows.flatMap((_, i) => (passes(i) ? [i] : []));
  return {
    kind: data.kind,
    rows: indices.map((i) => data.rows[i] as Dataset<K>['rows'][number]),
    where: (index) => data.where(indices[index] ?? index),
  };
}

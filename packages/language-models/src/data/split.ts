// Setting rows aside for evaluation.
import { DataError, type Rng } from '@gimbal/tensor-core';
import { type Dataset, type RowKind, rowColumns } from './rows.ts';

/**
 * Splits a data set at random. Equal rows (in all columns of their kind) go to one side: a row that is held out does not
 * stand among those that are trained on. Where that leaves a choice, the larger part of equal rows is trained on, so
 * there may be a few fewer than `heldOut`.
 * @param heldOut a share in (0, 1), rounded to at least one row, or a number of rows
 * @returns the parts, and how many rows are equal to one before them
 * @throws DataError if a part would be empty
 */
export function splitDataset<K extends RowKind>(
  data: Dataset<K>,
  heldOut: number,
  rng: Rng,
): { train: Dataset<K>; heldOut: Dataset<K>; duplicates: number } {
  const n = data.rows.length;
  const count = heldOut < 1 ? Math.max(1, Math.round(heldOut * n)) : heldOut;
  if (!(Number.isSafeInteger(count) && count > 0 && count < n)) {
    throw new DataError({
      where: 'held-out rows',
      what: 'both parts need at least one row',
      got: n < 2 ? `${n} ${n === 1 ? 'row' : 'rows'} in all` : `${heldOut} of ${n} rows`,
      wanted: n < 2 ? 'at least 2 rows' : `a share below 1, or 1 to ${n - 1} rows`,
      fix: n < 2 ? 'Add rows' : 'Hold out fewer',
    });
  }
  const keys = rowKeys(data);
  const groups = groupsOf(keys);
  if (groups.size === 1) {
    const what = `all ${n} rows are equal, so none can be held out from training`;
    throw new DataError({ where: 'held-out rows', what, fix: 'Add other rows' });
  }
  const order = rng.shuffle(Array.from({ length: n }, (_, i) => i));
  const chosen = new Set<number>();
  const seen = new Set<string>();
  for (const i of order) {
    const key = keys[i] as string;
    if (seen.has(key)) continue;
    seen.add(key);
    const group = groups.get(key) as number[];
    if (chosen.size + group.length <= count) for (const row of group) chosen.add(row);
  }
  if (chosen.size === 0) {
    const smallest = [...groups.values()].reduce((a, b) => (b.length < a.length ? b : a));
    for (const row of smallest) chosen.add(row);
  }
  return {
    train: pick(data, (i) => !chosen.has(i)),
    heldOut: pick(data, (i) => chosen.has(i)),
    duplicates: n - groups.size,
  };
}

/** What makes rows equal: the columns of their kind, not those that are carried along. */
function rowKeys(data: Dataset): string[] {
  const columns = rowColumns[data.kind];
  return data.rows.map((row) => JSON.stringify(columns.map((column) => (row as Record<string, unknown>)[column])));
}

/** Indices of the rows of each key. */
function groupsOf(keys: readonly string[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (const [i, key] of keys.entries()) {
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  }
  return groups;
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

// Token batches: rows of unequal length in one right-padded array.
import type { TokenBatch } from '@gimbal/tensor-core';

/**
 * Right-pads rows to the longest of them.
 * @param pad the id that fills up
 * @param width a width at least as large as the longest row
 */
export function padBatch(rows: readonly ArrayLike<number>[], pad: number, width?: number): TokenBatch {
  const lengths = Int32Array.from(rows, (row) => row.length);
  const widest = width ?? lengths.reduce((a, b) => Math.max(a, b), 0);
  const ids = new Int32Array(rows.length * widest).fill(pad);
  rows.forEach((row, b) => {
    ids.set(row as number[], b * widest);
  });
  return { ids, width: widest, lengths };
}

/** The ids of row `row`, padding left out: a view. */
export function rowOf({ ids, width, lengths }: TokenBatch, row: number): Int32Array {
  return ids.subarray(row * width, row * width + (lengths[row] as number));
}

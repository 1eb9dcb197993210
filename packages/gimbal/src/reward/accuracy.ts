// How often pairs or rows are judged rightly: in all, and of each value of a column.
import type { Share } from '@gimbal/reward-models';
import { ConfigError } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import type { Output } from '../cli/output.ts';

/** Accuracy in all and of each value of a column. */
export function bySlice(
  rows: readonly object[],
  margins: readonly number[],
  slice: string | undefined,
  accuracyOf: (margins: ArrayLike<number>) => Share,
): Record<string, Share> {
  const parts = new Map<string, number[]>([['all', [...margins]]]);
  if (slice !== undefined) {
    rows.forEach((row, i) => {
      const name = `${slice} ${(row as Record<string, unknown>)[slice]}`;
      parts.set(name, [...(parts.get(name) ?? []), margins[i] as number]);
    });
  }
  return Object.fromEntries([...parts].map(([name, list]) => [name, accuracyOf(list)]));
}

/** @throws ConfigError for a column that no row has, naming those there are */
export function checkSlice(where: string, slice: string | undefined, rows: readonly object[]): void {
  if (slice === undefined || rows.some((row) => slice in row)) return;
  const wanted = Object.keys(rows[0] ?? {}).join(', ');
  throw new ConfigError({ where, what: 'no row has this column', got: slice, wanted });
}

/** One line a slice. */
export function sayAccuracy(accuracy: Readonly<Record<string, Share>>, output: Output): void {
  for (const [name, { value, ci95, n }] of Object.entries(accuracy)) {
    const [low, high] = ci95.map((x) => (100 * x).toFixed(1));
    output.line(`${name}: accuracy ${(100 * value).toFixed(1)} % (${low} to ${high}, ${counted(n, 'row')})`);
  }
}

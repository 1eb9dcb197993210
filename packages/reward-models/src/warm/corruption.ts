// Labels turned round on purpose, and what a model made of them (WARM §4.2): an average memorises fewer than its members.
import { ConfigError, DataError, type RewardFn, type Rng } from '@gimbal/tensor-core';
import { type PairRow, pairwiseAccuracy } from '../evaluation/accuracy.ts';
import type { Share } from '../evaluation/intervals.ts';

/**
 * Turns labels round.
 * @param rate share of rows, each by itself, in [0, .5)
 * @returns the rows, and which were turned
 * @throws ConfigError for a rate out of range
 */
export function swapLabels<R extends { chosen: string; rejected: string }>(
  rows: readonly R[],
  rate: number,
  rng: Rng,
): { rows: R[]; swapped: Uint8Array } {
  checkRate('swapLabels', rate);
  const swapped = Uint8Array.from(rows, () => Number(rng.uniform() < rate));
  const turned = rows.map((row, i) => (swapped[i] ? { ...row, chosen: row.rejected, rejected: row.chosen } : row));
  return { rows: turned, swapped };
}

/**
 * Gives labelled rows another class, each of the others as likely.
 * @param classes the labels there are
 * @param rate share of rows, each by itself, in [0, .5)
 * @returns the rows, and which were changed
 * @throws ConfigError for a rate out of range or fewer than two classes; DataError for a label that is none of the classes
 */
export function swapClasses<R extends { label: unknown }>(
  rows: readonly R[],
  classes: readonly string[],
  rate: number,
  rng: Rng,
): { rows: R[]; swapped: Uint8Array } {
  checkRate('swapClasses', rate);
  if (classes.length < 2) {
    const what = 'there is no other class';
    throw new ConfigError({ where: 'swapClasses', what, got: classes.join(', '), wanted: 'at least two classes' });
  }
  const indexOf = (label: unknown): number =>
    typeof label === 'number' ? label : classes.findIndex((name) => name.toLowerCase() === String(label).toLowerCase());
  const swapped = Uint8Array.from(rows, () => Number(rng.uniform() < rate));
  const turned = rows.map((row, i) => {
    if (!swapped[i]) return row;
    const own = indexOf(row.label);
    if (classes[own] === undefined) {
      const wanted = classes.join(', ');
      throw new DataError({ where: `swapClasses, row ${i}`, what: 'not a class', got: row.label, wanted });
    }
    const step = 1 + Math.floor(rng.uniform() * (classes.length - 1));
    return { ...row, label: classes[(own + step) % classes.length] };
  });
  return { rows: turned, swapped };
}

function checkRate(where: string, rate: number): void {
  if (rate >= 0 && rate < 0.5) return;
  const wanted = 'a number from 0 to below .5';
  throw new ConfigError({ where: `${where}.rate`, what: 'out of range', got: rate, wanted });
}

/**
 * Accuracy on every slice as its labels stand: on `corrupted` training rows lower is better, for it is what was memorised.
 * @param slices for example corrupted, clean, id, ood; an empty one has no share
 */
export async function corruptionReport<S extends string>(
  fn: RewardFn,
  slices: Readonly<Record<S, readonly PairRow[]>>,
): Promise<Record<S, Share>> {
  const out: [string, Share][] = [];
  for (const [name, rows] of Object.entries(slices) as [S, readonly PairRow[]][]) {
    if (rows.length > 0) out.push([name, await pairwiseAccuracy(fn, rows)]);
  }
  return Object.fromEntries(out) as Record<S, Share>;
}

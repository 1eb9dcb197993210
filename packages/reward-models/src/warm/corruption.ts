// Labels turned round on purpose, and what a model made of them (WARM §4.2): an average memorises fewer than its members.
import { ConfigError, type RewardFn, type Rng } from '@gimbal/tensor-core';
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
  if (!(rate >= 0 && rate < 0.5)) {
    const wanted = 'a number from 0 to below .5';
    throw new ConfigError({ where: 'swapLabels.rate', what: 'out of range', got: rate, wanted });
  }
  const swapped = Uint8Array.from(rows, () => Number(rng.uniform() < rate));
  const turned = rows.map((row, i) => (swapped[i] ? { ...row, chosen: row.rejected, rejected: row.chosen } : row));
  return { rows: turned, swapped };
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

// Means over seeds with their intervals, and verdicts.
import type { Measurement } from './claim.ts';

export const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** 95 % of Student's t, two-sided, for 1 to 9 degrees of freedom. */
const student = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];
const z = 1.959964;

/** For more the expansion in 1/ν (Abramowitz and Stegun 26.7.5), to 0.2 %. */
const quantile = (degrees: number): number =>
  student[degrees - 1] ?? z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2);

/** The interval of a mean over seeds; absent for one. */
export function intervalOf(values: readonly number[]): { interval?: readonly [number, number] } {
  const n = values.length;
  if (n < 2) return {};
  const m = mean(values);
  const spread = Math.sqrt(values.reduce((a, x) => a + (x - m) ** 2, 0) / (n - 1));
  const half = (quantile(n - 1) * spread) / Math.sqrt(n);
  return { interval: [m - half, m + half] };
}

/** Signed, with three digits. */
export const signed = (x: number): string => `${x >= 0 ? '+' : '−'}${Math.abs(x).toFixed(3)}`;

/** Holds where every condition does; says which does not. */
export function verdict(
  measured: string,
  values: readonly number[],
  conditions: Readonly<Record<string, boolean>>,
): Measurement {
  const failed = Object.entries(conditions).filter(([, good]) => !good);
  const text = failed.length === 0 ? measured : `${measured}; not: ${failed.map(([name]) => name).join('; ')}`;
  return { measured: text, ...intervalOf(values), verdict: failed.length === 0 ? 'holds' : 'fails' };
}

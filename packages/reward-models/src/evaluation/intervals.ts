// What a share is known to: 95 %.
import { ConfigError } from '@gimbal/tensor-core';

/** A share of rows, and how well it is known. */
export interface Share {
  /** The share; NaN of none. */
  readonly value: number;
  /** 95 %, by Wilson (1927): inside [0, 1], and of some width also at 0 and 1. */
  readonly ci95: readonly [low: number, high: number];
  /** How many rows. */
  readonly n: number;
}

const z = 1.959963984540054;

/**
 * A share with its interval.
 * @param hits of `n` independent rows; halves for ties
 * @throws ConfigError for n that is no count, or hits that are not 0 to n
 */
export function shareOf(hits: number, n: number): Share {
  if (!(Number.isSafeInteger(n) && n >= 0 && hits >= 0 && hits <= n)) {
    const wanted = 'hits from 0 to n, a whole number';
    throw new ConfigError({ where: 'shareOf', what: 'no share', got: `${hits} of ${n}`, wanted });
  }
  if (n === 0) return { value: Number.NaN, ci95: [0, 1], n };
  const p = hits / n;
  const center = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return { value: p, ci95: [Math.max(0, center - half), Math.min(1, center + half)], n };
}

// What a score is known to: 95 % intervals.

export interface Estimate {
  value: number;
  /** 95 % */
  low: number;
  high: number;
  /** what it was measured on */
  n: number;
}

const z = 1.959964;

/**
 * A rate, with Wilson's interval (1927), which stays inside [0, 1] and holds at 0 and at n.
 * @param hits of `n` independent trials
 */
export function rate(hits: number, n: number): Estimate {
  if (n === 0) return { value: Number.NaN, low: 0, high: 1, n };
  const p = hits / n;
  const center = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return { value: p, low: Math.max(0, center - half), high: Math.min(1, center + half), n };
}

/**
 * Σ sums / Σ weights over rows, as a loss per token is, with the interval over rows: a row's tokens are not independent.
 *   se² = n/(n−1) Σ (sᵢ − r wᵢ)² / (Σ wᵢ)²
 */
export function ratio(sums: readonly number[], weights: readonly number[]): Estimate {
  const n = sums.length;
  const total = weights.reduce((a, b) => a + b, 0);
  const value = sums.reduce((a, b) => a + b, 0) / total;
  const squares = sums.reduce((a, s, i) => a + (s - value * (weights[i] as number)) ** 2, 0);
  const se = n > 1 ? Math.sqrt((n / (n - 1)) * squares) / total : Number.NaN;
  return { value, low: value - z * se, high: value + z * se, n };
}

/** A mean, with the interval of the normal distribution. */
export function meanWithInterval(values: readonly number[]): Estimate {
  return ratio(
    values,
    values.map(() => 1),
  );
}

/** Mean of rewards: of a reward that is 0 or 1 the rate, whose interval stays inside; else as any mean. */
export function rewardWithInterval(rewards: readonly number[]): Estimate {
  const isRate = rewards.length > 0 && rewards.every((r) => r === 0 || r === 1);
  return isRate ? rate(rewards.filter((r) => r === 1).length, rewards.length) : meanWithInterval(rewards);
}

// Predictions of several rewards as one: what an average of weights is compared with, at M times its cost.
import { ConfigError, checkedRewards, checkKnown, type RewardFn } from '@gimbal/tensor-core';
import type { RewardStats } from '../scoring/reward-fn.ts';

/** How predictions become one. */
export interface EnsembleOptions {
  /**
   * The mean (WARM's ENS), the median, the least (worst case), or the mean less a multiple of the variance over members
   * (of n − 1; Coste et al., arXiv 2310.02743) (`mean`).
   */
  reduce?: 'mean' | 'median' | 'min' | { meanMinusVariance: number };
  /** Standardises each member first: else the one with the largest scale decides. */
  stats?: readonly RewardStats[];
}

/**
 * An ensemble of rewards. Raw scores are combined, no probabilities; a row on which any member abstains gets null.
 * @throws ConfigError without members, for an unknown option, another number of `stats` or a spread that is not > 0, or a variance of one member
 */
export function ensemble(fns: readonly RewardFn[], o: EnsembleOptions = {}): RewardFn {
  const where = 'ensemble';
  checkKnown(where, o, ['reduce', 'stats']);
  const { reduce = 'mean', stats } = o;
  if (fns.length === 0) throw new ConfigError({ where, what: 'there are no members', wanted: 'at least one' });
  const odd = fns.findIndex((fn) => typeof fn !== 'function');
  if (odd >= 0) {
    throw new ConfigError({
      where: `${where}, member ${odd + 1}`,
      what: 'no function',
      got: fns[odd],
      wanted: 'a reward',
    });
  }
  if (stats && stats.length !== fns.length) {
    throw new ConfigError({
      where: `${where}.stats`,
      what: 'one a member is needed',
      got: stats.length,
      wanted: fns.length,
    });
  }
  for (const [m, { mean, std }] of (stats ?? []).entries()) {
    if (std > 0 && Number.isFinite(std) && Number.isFinite(mean)) continue;
    const wanted = 'a finite mean and a std > 0';
    throw new ConfigError({
      where: `${where}.stats of member ${m + 1}`,
      what: 'out of range',
      got: { mean, std },
      wanted,
    });
  }
  const combine = reducer(reduce, fns.length);
  return async (prompts, completions, rows) => {
    const scores: (number | null)[][] = [];
    for (const [m, fn] of fns.entries()) {
      const { mean, std } = stats?.[m] ?? { mean: 0, std: 1 };
      const found = await checkedRewards(`member ${m + 1}`, fn, prompts, completions, rows);
      scores.push(found.map((r) => (r === null ? null : (r - mean) / std)));
    }
    return completions.map((_, i) => {
      const column = scores.map((list) => list[i] ?? null);
      return column.includes(null) ? null : combine(column as number[]);
    });
  };
}

function reducer(reduce: EnsembleOptions['reduce'], members: number): (scores: readonly number[]) => number {
  const mean = (scores: readonly number[]): number => scores.reduce((a, b) => a + b, 0) / scores.length;
  if (reduce === 'mean') return mean;
  if (reduce === 'min') return (scores) => Math.min(...scores);
  if (reduce === 'median') {
    return (scores) => {
      const sorted = [...scores].sort((a, b) => a - b);
      const half = sorted.length >> 1;
      return sorted.length % 2
        ? (sorted[half] as number)
        : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
    };
  }
  if (typeof reduce === 'object' && reduce !== null) checkKnown('ensemble.reduce', reduce, ['meanMinusVariance']);
  const penalty = typeof reduce === 'object' ? reduce.meanMinusVariance : Number.NaN;
  if (!(penalty >= 0 && Number.isFinite(penalty) && members > 1)) {
    const wanted = 'mean, median, min, or { meanMinusVariance: a number ≥ 0 } of two members or more';
    throw new ConfigError({ where: 'ensemble.reduce', what: 'out of range', got: reduce, wanted });
  }
  return (scores) => {
    const center = mean(scores);
    return center - (penalty * scores.reduce((a, r) => a + (r - center) ** 2, 0)) / (scores.length - 1);
  };
}

// Rewards of the text alone, to hold a policy's length and repetitions; off unless they are mixed in.
import { ConfigError, type RewardFn } from '@gimbal/tensor-core';

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** The lengths that cost nothing. */
export interface LengthBounds {
  /** Fewest words (0). */
  min?: number;
  /** Most words (no bound). */
  max?: number;
}

/**
 * 0 within the bounds, −1 for each word outside them. Lengths that a policy is to keep near are best taken from the
 * supervised model: a bound, not a goal, so that nothing is gained by length itself.
 * @throws ConfigError for bounds that no length fits
 */
export function lengthReward({ min = 0, max = Number.POSITIVE_INFINITY }: LengthBounds): RewardFn {
  if (!(min >= 0 && Number.isFinite(min) && max >= min)) {
    throw new ConfigError({ where: 'lengthReward', what: 'bounds', got: { min, max }, wanted: '0 ≤ min ≤ max' });
  }
  return (_, completions) =>
    completions.map((text) => {
      const n = words(text).length;
      return n < min ? n - min : n > max ? max - n : 0;
    });
}

/**
 * −(share of a text's runs of `n` words that it has had before), in [−1, 0]; 0 for a text without a run.
 * @throws ConfigError for n below 1
 */
export function repetitionReward({ n = 3 }: { n?: number } = {}): RewardFn {
  if (!(Number.isSafeInteger(n) && n >= 1)) {
    throw new ConfigError({ where: 'repetitionReward.n', what: 'bad count', got: n, wanted: 'a whole number ≥ 1' });
  }
  return (_, completions) =>
    completions.map((text) => {
      const all = words(text);
      const runs = Array.from({ length: Math.max(all.length - n + 1, 0) }, (_, i) => all.slice(i, i + n).join(' '));
      return runs.length === 0 ? 0 : new Set(runs).size / runs.length - 1;
    });
}

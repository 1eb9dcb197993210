// Several rewards as one weighted sum: what every trainer, score and monitor on more than one reward asks through.
import type { Prompt, RewardFn } from '../contracts/rewards.ts';
import type { Schedule } from '../contracts/schedule.ts';
import { ConfigError, DataError } from '../errors.ts';
import { scheduleAt } from '../schedules/schedules.ts';
import { checkedRewards } from './checked-rewards.ts';

/** One reward of a sum. */
export interface WeightedReward {
  /** In messages and components: different for each part. */
  readonly name: string;
  /** What its rewards are multiplied with, at each step; may be negative. */
  readonly weight: Schedule;
  /** Scores each completion; null = it abstains. */
  readonly fn: RewardFn;
  /**
   * Whether a row on which this part abstains has no reward at all. Default false, as in TRL: the others alone make it,
   * which for a part that is never above 0, such as a log-probability, is the best that there is.
   */
  readonly required?: boolean | undefined;
  /** Standardise it first: (r − mean) / std. */
  readonly stats?: { readonly mean: number; readonly std: number } | undefined;
}

/** A sum of rewards, and what it is made of. */
export interface WeighedRewards {
  /** Of each completion; null where all abstain, or one that is required. */
  readonly totals: (number | null)[];
  /** Of each part by its name: the mean over the rows it scored, unweighted and before standardising (NaN of none), and how many those are. */
  readonly components: Readonly<Record<string, { readonly mean: number; readonly count: number }>>;
}

/**
 * The step at which a weight stands at its end: evaluations that are to be compared are all scored there. A schedule of
 * updates has come to its last value long before; one that grows for ever has no end to score at.
 */
export const endOfSchedules: number = Number.MAX_SAFE_INTEGER;

/**
 * Σ weight · reward over the parts that do not abstain, every answer checked.
 * @param step what schedules are asked for: updates done, or `endOfSchedules`
 * @throws DataError, naming part and row, for another number of rewards than completions, or one that is no finite number,
 * also once weighted; ConfigError for a schedule that gives none, naming part and step
 * @example
 * const { totals } = await weighRewards([{ name: 'judge', weight: 1, fn: judge, required: true }], 0, prompts, completions);
 */
export async function weighRewards(
  parts: readonly WeightedReward[],
  step: number,
  prompts: readonly string[],
  completions: readonly string[],
  rows?: readonly Prompt[],
): Promise<WeighedRewards> {
  const totals: (number | null)[] = completions.map(() => null);
  const without = new Set<number>();
  const components: Record<string, { mean: number; count: number }> = {};
  for (const { name, weight, fn, required = false, stats } of parts) {
    const scores = await checkedRewards(name, fn, prompts, completions, rows);
    const factor = scheduleAt(weight, step);
    if (!Number.isFinite(factor)) {
      const at = step === endOfSchedules ? 'its end' : `step ${step}`;
      const fix = 'Give a number, or a schedule that gives one at every step';
      throw new ConfigError({ where: `reward ${name}, weight`, what: `no number at ${at}`, got: String(factor), fix });
    }
    let [sum, count] = [0, 0];
    for (const [i, score] of scores.entries()) {
      if (score === null) {
        if (required) without.add(i);
        continue;
      }
      const total = (totals[i] ?? 0) + factor * (stats ? (score - stats.mean) / stats.std : score);
      if (!Number.isFinite(total)) {
        const got = `${factor} × ${score}`;
        throw new DataError({ where: `reward ${name}, row ${i}`, what: 'its share is no finite number', got });
      }
      totals[i] = total;
      sum += score;
      count++;
    }
    components[name] = { mean: sum / count, count };
  }
  for (const i of without) totals[i] = null;
  return { totals, components };
}

// Several rewards as one: weights that may follow a schedule, scales made alike, abstentions, and every answer checked
// before anything is trained on it.
import {
  ConfigError,
  checkKnown,
  checkOption,
  optionNames,
  type RewardFn,
  type Schedule,
  weighRewards,
} from '@gimbal/tensor-core';
import type { RewardStats } from '../scoring/reward-fn.ts';

/** One reward of a mixture. */
export interface RewardPart {
  /** For reports and errors: different for each part. */
  name: string;
  /** What it is multiplied with, at each step; may be negative. */
  weight: Schedule;
  /** The reward itself. */
  fn: RewardFn;
  /** Standardise it first: (r − mean) / std. */
  stats?: RewardStats;
  /**
   * Whether a row on which it abstains has no reward (default false: the other parts make it, as in TRL). Set it for a judge
   * or a model that abstains where it has no room: left out it counts 0, and more than 0 no log-probability gives.
   */
  required?: boolean;
}

/** A mixture of rewards: itself a `RewardFn` (`fn`). */
export interface RewardMixture {
  /** Σ weight · reward over the parts that do not abstain (null); null where all do, or one that is `required`. */
  readonly fn: RewardFn;
  /** Mean of each part over the rows it scored, unweighted and before standardising, of the last call; NaN of none. */
  readonly components: Readonly<Record<string, number>>;
  /** Sets the step that schedules are asked for (0). */
  setStep(step: number): void;
}

const partNames = optionNames<RewardPart>({ name: true, weight: true, fn: true, stats: true, required: true });

/**
 * Mixes rewards.
 * @throws ConfigError without parts, for a part’s unknown option, a name given twice, a weight or a scale that is no number. The mixture's function
 * throws DataError, naming part and row, for another number of rewards than completions or one that is no finite number,
 * also once weighted; ConfigError for a schedule that gives none, naming part and step
 * @example
 * const { fn } = mixRewards([{ name: 'judge', weight: 1, fn: judge }, { name: 'length', weight: 0.2, fn: length }]);
 */
export function mixRewards(parts: readonly RewardPart[]): RewardMixture {
  const where = 'mixRewards';
  if (parts.length === 0) throw new ConfigError({ where, what: 'there is no reward', wanted: 'at least one' });
  for (const part of parts) checkKnown(`${where} ${part.name}`, part, partNames);
  const names = parts.map((part) => part.name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new ConfigError({ where, what: 'a name is given twice', got: twice });
  for (const { name, weight, stats, required = false } of parts) {
    checkOption(`${where} ${name}.required`, required, typeof required === 'boolean', 'true or false');
    if (typeof weight !== 'function' && !Number.isFinite(weight))
      throw new ConfigError({ where: `${where} ${name}.weight`, what: 'no number', got: String(weight) });
    if (stats && !(stats.std > 0 && Number.isFinite(stats.std) && Number.isFinite(stats.mean)))
      throw new ConfigError({ where: `${where} ${name}.stats`, what: 'std must be > 0', got: stats });
  }
  let step = 0;
  const components: Record<string, number> = {};
  return {
    components,
    setStep(value) {
      step = value;
    },
    async fn(prompts, completions, rows) {
      const { totals, components: found } = await weighRewards(parts, step, prompts, completions, rows);
      for (const [name, { mean }] of Object.entries(found)) components[name] = mean;
      return totals;
    },
  };
}

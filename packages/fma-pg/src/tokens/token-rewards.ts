/** Rewards of completions: functions by name and weight, abstentions, completions without an end. */
import { DataError, type Prompt, type RewardFn, weighRewards } from '@gimbal/tensor-core';
import { promptText } from './prompt-text.ts';
import type { NamedReward, ResolvedTokenOptions } from './token-options.ts';

export interface ScoredCompletions {
  /** null = no function scored the row, or a required one did not, or it has no token, or it was cut and such rows are masked */
  rewards: (number | null)[];
  /** mean of each function over the rows it scored */
  components: Record<string, number>;
  /** how many rows those are */
  scored: Record<string, number>;
}

/**
 * @param step what the weights of several are taken at: updates done, or `endOfSchedules`
 * @throws ConfigError for a weight that is no finite number; DataError where a function throws, gives no list, another number
 * of rewards, or one that is no finite number, also once weighted
 */
export async function scoreCompletions(
  o: Pick<ResolvedTokenOptions, 'reward' | 'missingEos'>,
  step: number,
  rows: readonly Prompt[],
  texts: readonly string[],
  lengths: Int32Array,
  ended: Uint8Array | undefined,
): Promise<ScoredCompletions> {
  const named: readonly NamedReward[] =
    typeof o.reward === 'function' ? [{ name: 'reward', weight: 1, fn: o.reward }] : o.reward;
  const parts = named.map((part) => ({ ...part, fn: told(part) }));
  const { totals, components: found } = await weighRewards(parts, step, rows.map(promptText), texts, rows);
  const components: Record<string, number> = {};
  const scored: Record<string, number> = {};
  if (typeof o.reward !== 'function')
    for (const [name, { mean, count }] of Object.entries(found)) {
      components[`reward_${name}`] = mean;
      scored[`reward_${name}`] = count;
    }
  const { missingEos } = o;
  const rewards = totals.map((total, b) => {
    if (total === null || lengths[b] === 0) return null;
    if (missingEos === undefined || ended === undefined || ended[b] === 1) return total;
    if (missingEos === 'mask') return null;
    return 'reward' in missingEos ? missingEos.reward : total - missingEos.penalty;
  });
  return { rewards, components, scored };
}

/** What a function throws, with its name; errors that name themselves, as one that stops a run, go through. */
const told =
  ({ name, fn }: NamedReward): RewardFn =>
  async (...asked) => {
    try {
      return await fn(...asked);
    } catch (cause) {
      if (typeof (cause as { where?: unknown } | null)?.where === 'string') throw cause;
      const said = (cause as { message?: unknown } | null)?.message;
      const what = `it threw: ${typeof said === 'string' ? said : String(cause)}`;
      throw new DataError({ where: `reward ${name}`, what, cause });
    }
  };

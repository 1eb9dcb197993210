/** Rewards of completions: functions by name and weight, abstentions, completions without an end. */
import { checkedRewards, checkOption, type Prompt, schedules } from '@gimbal/tensor-core';
import type { NamedReward, ResolvedTokenOptions } from './token-options.ts';

export interface ScoredCompletions {
  /** null = no function scored the row, or it has no token, or it was cut and such rows are masked */
  rewards: (number | null)[];
  /** mean of each function over the rows it scored */
  components: Record<string, number>;
}

export const promptText = (p: Prompt): string => (typeof p === 'string' ? p : p.prompt);

/** @throws ConfigError for a weight that is no finite number; DataError where a function gives no list, another number of rewards, or one that is no finite number */
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
  const prompts = rows.map(promptText);
  const totals: (number | null)[] = texts.map(() => null);
  const components: Record<string, number> = {};
  for (const { name, weight, fn } of named) {
    const scores = await checkedRewards(name, fn, prompts, texts, rows);
    const w = schedules.scheduleAt(weight, step);
    checkOption(`reward ${name}, weight at step ${step + 1}`, w, Number.isFinite(w), 'a finite number');
    let [sum, count] = [0, 0];
    for (const [b, score] of scores.entries()) {
      if (score === null) continue;
      totals[b] = (totals[b] ?? 0) + w * score;
      sum += score;
      count++;
    }
    if (typeof o.reward !== 'function') components[`reward_${name}`] = count === 0 ? Number.NaN : sum / count;
  }
  const { missingEos } = o;
  const rewards = totals.map((total, b) => {
    if (total === null || lengths[b] === 0) return null;
    if (missingEos === undefined || ended === undefined || ended[b] === 1) return total;
    if (missingEos === 'mask') return null;
    return 'reward' in missingEos ? missingEos.reward : total - missingEos.penalty;
  });
  return { rewards, components };
}

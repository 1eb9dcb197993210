// Rewards that are all the same teach nothing: a wrong column or a reward that never fires shows only so.
import { readMetrics } from '@gimbal/tensor-core';
import { counted, figure } from '../cli/format.ts';

/** Says so where the reward was the same in every step of a run. @param folder of its metrics */
export async function warnAlike(folder: string, note: (text: string) => void): Promise<void> {
  const rows = await readMetrics(folder);
  const told = alike(rows.flatMap(({ reward }) => (typeof reward === 'number' ? [reward] : [])));
  if (told !== undefined) note(`warning: ${told}`);
}

/** @param rewards means of the steps; one alone has nothing to be like */
export function alike(rewards: readonly number[]): string | undefined {
  const [first] = rewards;
  if (first === undefined || rewards.length < 2 || rewards.some((reward) => reward !== first)) return undefined;
  const fix =
    first === 0
      ? 'No completion was ever right: see samples in the report, the column that --reward names, and whether the model can do the task at all'
      : 'It does not tell completions apart: see what --reward measures, and whether --temperature is high enough to draw different ones';
  return `the reward was ${figure(first)} in each of ${counted(rewards.length, 'step')}, so nothing was learnt from it. ${fix}`;
}

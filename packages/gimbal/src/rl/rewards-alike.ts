// Rewards that are all the same teach nothing: a wrong column or a reward that never fires shows only so.
import { DataError, readMetrics } from '@gimbal/tensor-core';
import { counted, figure, percent } from '../cli/format.ts';

/** Says so where the reward was the same in every step of a run. @param folder of its metrics */
export async function warnAlike(folder: string, note: (text: string) => void): Promise<void> {
  const rows = await readMetrics(folder);
  const told = alike(rows.flatMap(({ reward }) => (typeof reward === 'number' ? [reward] : [])));
  const flat = flatShare(rows.flatMap(({ flatGroups }) => (typeof flatGroups === 'number' ? [flatGroups] : [])));
  if (told !== undefined) note(`warning: ${told}`);
  else if (flat !== undefined) note(flat);
}

/** @param shares of the groups of each step whose completions were all rewarded alike */
export function flatShare(shares: readonly number[]): string | undefined {
  const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
  if (!(mean > 0.5)) return undefined;
  const why = 'where nothing tells them apart, nothing is learnt from them';
  return `the completions of a prompt all had the same reward in ${percent(mean)} of the groups; ${why}. A higher --temperature draws more different ones`;
}

/** What keeps a completion from being rewarded, beside the reward. */
export interface NotAsked {
  /** completions that were cut are left out */
  maskTruncated: boolean;
  /** completions that the reward could not read whole */
  tooLong: number;
}

/**
 * A run in which no completion got a reward has taught nothing.
 * @param folder of its metrics
 * @returns what to say where none was fit to be rewarded: they were empty, cut or too long
 * @throws DataError where the reward abstained
 */
export async function refuseUnrewarded(folder: string, where: string, o: NotAsked): Promise<string | undefined> {
  const rows = await readMetrics(folder);
  if (rows.length === 0 || rows.some(({ unrewarded }) => unrewarded !== 1)) return undefined;
  const what = `no completion of ${counted(rows.length, 'step')} got a reward`;
  const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
  const isAsked = rows.some(
    ({ emptyRate, missingEosRate }) =>
      numberOf(emptyRate) + (o.maskTruncated ? numberOf(missingEosRate) : 0) < 1 - 1e-9,
  );
  if (!isAsked || o.tooLong > 0) {
    const fix = 'Take more steps, or a larger --max-new-tokens where they are cut';
    return `${what}: all were empty, cut or too long, and nothing was learnt. ${fix}`;
  }
  const fix = 'See what it answers: a number for each completion, null only where there is none';
  throw new DataError({ where, what: `${what}: all were abstained on, and nothing was learnt`, fix });
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

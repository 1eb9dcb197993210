// Rewards that are all the same teach nothing: a wrong column or a reward that never fires shows only so.
import { DataError, readMetrics } from '@gimbal/tensor-core';
import { counted, figure, percent } from '../cli/format.ts';

/** What keeps a completion from being rewarded, beside the reward, and whose the sampling is. */
export interface Asked {
  /** completions that were cut are left out */
  maskTruncated: boolean;
  /** completions of these steps that the reward could not read whole */
  tooLong: number;
  /** whether --temperature and --max-new-tokens are the user's to set */
  setsSampling: boolean;
}

/**
 * Says so where the reward was the same in every step of a run, or in most groups.
 * @param folder of its metrics
 * @returns whether anything was said
 */
export async function warnAlike(folder: string, o: Asked, note: (text: string) => void): Promise<boolean> {
  const rows = await readMetrics(folder);
  const told = alike(rows.flatMap(({ reward }) => (typeof reward === 'number' ? [reward] : [])));
  const shares = rows.flatMap(({ flatGroups }) => (typeof flatGroups === 'number' ? [flatGroups] : []));
  const flat = flatShare(shares, o.setsSampling);
  if (told !== undefined) note(`warning: ${told}`);
  else if (flat !== undefined) note(flat);
  return told !== undefined || flat !== undefined;
}

/** @param shares of the groups of each step whose completions were all rewarded alike */
export function flatShare(shares: readonly number[], setsSampling: boolean): string | undefined {
  const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
  if (!(mean > 0.5)) return undefined;
  const why = 'where nothing tells them apart, nothing is learnt from them';
  const told = `the completions of a prompt all had the same reward in ${percent(mean)} of the groups; ${why}`;
  return setsSampling ? `${told}. A higher --temperature draws more different ones` : told;
}

/** Of the metrics of a step, what says why its completions had no reward. */
interface Unrewarded {
  readonly [metric: string]: unknown;
  readonly unrewarded?: unknown;
  readonly emptyRate?: unknown;
  readonly missingEosRate?: unknown;
}

/** Whether the reward was asked about any completion of a step. */
function isAsked({ emptyRate, missingEosRate }: Unrewarded, { maskTruncated }: Asked): boolean {
  const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
  return numberOf(emptyRate) + (maskTruncated ? numberOf(missingEosRate) : 0) < 1 - 1e-9;
}

const notFit = 'all were empty, cut or too long';
const numbersWanted = 'a number for each completion, null only where there is none';

/** Of a run's first step, without a single reward: what to say at once, while it can still be stopped. */
export function unrewardedStep(step: Unrewarded & { readonly step: number }, o: Asked): string | undefined {
  if (step.unrewarded !== 1) return undefined;
  const what = `no completion of step ${step.step} got a reward`;
  if (!isAsked(step, o) || o.tooLong > 0) return `${what}: ${notFit}`;
  return `${what}: all were abstained on. If none ever gets one, nothing is learnt: a reward gives ${numbersWanted}`;
}

/**
 * A run in which no completion got a reward has taught nothing.
 * @param folder of its metrics
 * @returns what to say where none was fit to be rewarded: they were empty, cut or too long
 * @throws DataError where the reward abstained
 */
export async function refuseUnrewarded(folder: string, where: string, o: Asked): Promise<string | undefined> {
  const rows = await readMetrics(folder);
  if (rows.length === 0 || rows.some(({ unrewarded }) => unrewarded !== 1)) return undefined;
  const what = `no completion of ${counted(rows.length, 'step')} got a reward`;
  if (!rows.some((row) => isAsked(row, o)) || o.tooLong > 0) {
    const fix = o.setsSampling ? 'Take more steps, or a larger --max-new-tokens where they are cut' : 'Take more steps';
    return `${what}: ${notFit}, and nothing was learnt. ${fix}`;
  }
  const fix = `See what it answers: ${numbersWanted}`;
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

// What stages after `judge` open: the judge, its features, and reward models on them.
import { join } from 'node:path';
import { type EntailmentJudge, slotJudge } from '@gimbal/reward-models';
import { type Params, readSafetensors } from '@gimbal/tensor-core';
import { type SummaryFeatures, summaryFeatures } from '../../warm/summary-features.ts';
import type { JudgeResult } from '../judge.ts';

/** The judge of a run; its weights stay in memory until the process ends. */
export async function openJudge({
  dir,
  value,
}: {
  dir: string;
  value: JudgeResult;
}): Promise<{ judge: EntailmentJudge; features: SummaryFeatures }> {
  const params = await readSafetensors(join(dir, 'judge.safetensors'));
  const judge = slotJudge(params, { words: value.words });
  return { judge, features: summaryFeatures(judge, value.words.slice(4)) };
}

/** A reward model of a run; the caller disposes it. */
export const openMember = (dir: string, name: string): Promise<Params> =>
  readSafetensors(join(dir, `${name}.safetensors`));

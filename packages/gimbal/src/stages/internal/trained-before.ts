// The models of a run up to reinforcement learning: before training, after pretraining, after fine-tuning, after each reward.
import type { StageContext } from '../../pipeline/stage.ts';
import { stage as fineTune } from '../fine-tune.ts';
import { stage as pretrain } from '../pretrain.ts';
import { stage as rl } from '../rl.ts';
import { stage as rlRewards } from '../rl-rewards.ts';
import { modelFolder } from './model-folder.ts';

export interface ModelVersion {
  name: string;
  /** model folder */
  folder: string;
}

/** Of the stages before Nash-MD, in the order they were made; at least two. */
export function trainedBefore(input: StageContext['input']): ModelVersion[] {
  const before = input(pretrain);
  const after = input(fineTune);
  const versions: ModelVersion[] = [
    {
      name: before.value.start === before.value.model ? 'as given' : 'untrained',
      folder: modelFolder(before, before.value.start),
    },
  ];
  if (before.value.training) versions.push({ name: 'pretrained', folder: modelFolder(before, before.value.model) });
  if (after.value.training) versions.push({ name: 'fine-tuned', folder: modelFolder(after, after.value.model) });
  const rewarded = input(rlRewards);
  for (const { name, model } of rewarded.value?.runs ?? [])
    versions.push({ name: `learned from ${name}`, folder: modelFolder(rewarded, model) });
  const learnt = input(rl);
  if (learnt.value) versions.push({ name: 'reinforced', folder: modelFolder(learnt, learnt.value.model) });
  return versions;
}

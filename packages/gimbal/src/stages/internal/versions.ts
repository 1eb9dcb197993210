// The models of a run that are compared: those of the stages before Nash-MD, and its own.
import type { StageContext } from '../../pipeline/stage.ts';
import { stage as nashMd } from '../nash-md.ts';
import { stage as rl } from '../rl.ts';
import { stage as rlRewards } from '../rl-rewards.ts';
import { modelFolder } from './model-folder.ts';
import { type ModelVersion, trainedBefore } from './trained-before.ts';

/**
 * At least two. The last one is the run's model: Nash-MD's, unless reinforcement learning led to better summaries by the world,
 * or was asked for with a reward of the user's.
 */
export function modelVersions(input: StageContext['input']): ModelVersion[] {
  const before = trainedBefore(input);
  const nash = input(nashMd);
  if (!nash.value) return before;
  const own: ModelVersion = { name: nash.value.name, folder: modelFolder(nash, nash.value.model) };
  // on rows of the user's, where the world judges nothing, there is no Nash-MD
  const scores = input(rlRewards).value?.runs.at(-1)?.scores;
  const isBetter =
    scores === undefined || !('quality' in scores) || nash.value.scores.quality.value > scores.quality.value;
  if (isBetter && !input(rl).value) return [...before, own];
  return [...before.slice(0, -1), own, ...before.slice(-1)];
}

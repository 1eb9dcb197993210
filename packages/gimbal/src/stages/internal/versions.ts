// The models of a run that are compared: those of the stages before Nash-MD, and its own.
import type { StageContext } from '../../pipeline/stage.ts';
import { stage as nashMd } from '../nash-md.ts';
import { modelFolder } from './model-folder.ts';
import { type ModelVersion, trainedBefore } from './trained-before.ts';

/** In the order they were made; at least two. */
export function modelVersions(input: StageContext['input']): ModelVersion[] {
  const versions = trainedBefore(input);
  const nash = input(nashMd);
  if (nash.value) versions.push({ name: nash.value.name, folder: modelFolder(nash, nash.value.model) });
  return versions;
}

// What a stage is made from: its own options, files and surroundings and those of every stage below it, without the hash
// of the code. A run that goes on after an upgrade compares this: a stage's version says when its results are others.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, firstDifference, writeFileAtomic } from '@gimbal/tensor-core';
import { undefinedIfAbsent } from './absent.ts';
import type { Stage } from './stage.ts';

/** Of one stage. */
export interface OwnInputs {
  version: number;
  options: { [name: string]: unknown };
  environment: { [name: string]: unknown };
  /** hash by path */
  files: { [path: string]: string };
}

/** Of a stage and all it stands on, by stage. */
export type Provenance = { [stage: string]: OwnInputs };

/** Where a run keeps it, once the stage has begun. */
const pathOf = (runDir: string, stage: string): string => join(runDir, 'stages', `${stage}.json`);

/** Keep what a stage that begins now is made from. */
export async function noteBeginning(runDir: string, stage: Stage, made: Provenance): Promise<void> {
  await writeFileAtomic(pathOf(runDir, stage.name), `${JSON.stringify(made, null, 2)}\n`);
}

/**
 * Refuse to go on with training that was begun from something else.
 * @throws CheckpointError that says what has changed
 */
export async function refuseChanged(runDir: string, stage: Stage, made: Provenance): Promise<void> {
  const begun = await stat(join(runDir, 'stages', stage.name, 'checkpoints')).catch(undefinedIfAbsent);
  if (!begun) return; // nothing is lost by beginning anew
  const text = await readFile(pathOf(runDir, stage.name), 'utf8').catch(undefinedIfAbsent);
  if (text === undefined) return;
  const what = changed(JSON.parse(text) as Provenance, made);
  if (what === undefined) return;
  throw new CheckpointError({
    where: `stage ${stage.name} of ${runDir}`,
    what: `cannot go on to the same numbers: ${what}`,
    fix: 'Put it back as it was, or start a new run without --resume',
  });
}

/** What differs, in words; undefined where nothing does. */
export function changed(then: Provenance, now: Provenance): string | undefined {
  for (const [stage, before] of Object.entries(then)) {
    const after = now[stage];
    if (after === undefined) return `there is no stage ${stage} any more`;
    if (before.version !== after.version) {
      return `stage ${stage} computes something else since gimbal was upgraded (version ${before.version}, now ${after.version})`;
    }
    for (const [path, hash] of Object.entries(before.files)) {
      if (after.files[path] !== hash) return `${path} has changed since the run was started`;
    }
    for (const part of ['options', 'environment'] as const) {
      // an option that is new since then is at its default, which is what the run has
      const known = Object.fromEntries(Object.keys(before[part]).map((name) => [name, after[part][name]]));
      const difference = firstDifference(json(before[part]), json(known));
      if (difference) {
        const show = (value: unknown): string => JSON.stringify(value) ?? 'nothing';
        return `${difference.path} of stage ${stage} was ${show(difference.saved)} and is ${show(difference.wanted)}`;
      }
    }
  }
  return undefined;
}

type Json = Parameters<typeof firstDifference>[0];
const json = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

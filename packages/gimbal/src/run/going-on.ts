// A run that was stopped, and how it goes on.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, type GimbalError, latestCheckpoint, StoppedError } from '@gimbal/tensor-core';
import { counted } from '../cli/format.ts';
import type { Longer } from './run-folder.ts';

/**
 * The checkpoint that a trainer in `out` goes on from. Where there is none it begins anew, and what a run logged that was
 * killed before its first checkpoint is taken away: it will be logged again.
 * @param out folder of the trainer's log and checkpoints, which need not exist
 * @param keep names in it that are not the trainer's
 * @throws CheckpointError where there are checkpoints and each is damaged: nothing is taken away then
 */
export async function checkpointIn(
  out: string,
  note: (text: string) => void,
  keep: readonly string[] = [],
): Promise<string | undefined> {
  const found = await latestCheckpoint(out, note).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found !== undefined) return found;
  if (keep.length === 0) await rm(out, { recursive: true, force: true });
  else {
    for (const name of await readdir(out))
      if (!keep.includes(name)) await rm(join(out, name), { recursive: true, force: true });
  }
  return undefined;
}

/** Thrown by a command that was stopped and has saved what it did. */
export const stoppedRun = (command: string, path: string, what: string): StoppedError =>
  new StoppedError({
    where: `gimbal ${command}`,
    what,
    fix: `Go on with: npx gimbal ${command} --out ${path} --resume`,
  });

/**
 * Thrown by a command that cannot go on for something outside it, as a judge that does not answer. The usage was right: it
 * leaves the exit code 1.
 * @param where `gimbal eval --preference`: the flag whose value failed
 * @param fix what to do when it answers again
 */
export const failedOutside = (where: string, fix: string, error: GimbalError): DataError =>
  Object.assign(new DataError({ where, what: error.what, got: error.got, fix, cause: error }), { exitCode: 1 });

/** The same of a run, whose work so far is saved. @param flag whose value failed */
export const failedRun = (command: string, flag: string, path: string, error: GimbalError): DataError =>
  failedOutside(
    `gimbal ${command} ${flag}`,
    `When it answers again, go on with: npx gimbal ${command} --out ${path} --resume`,
    error,
  );

/** What is said of a run that is resumed with all its updates (or steps) done: it is not trained again. */
export const alreadyDone = (step: number, unit: 'update' | 'step' = 'update'): string =>
  `this run’s ${counted(step, unit)} ${step === 1 ? 'was' : 'were'} done already: only what comes after them is done again`;

/** Of a run whose learning rate is a cosine over all its steps. @param steps where no number was given */
export const underCosine = (steps: number): Longer => ({
  steps,
  told: 'The learning rate is now that of a run of so many: it rises again before it falls',
});

// A run that was stopped, and how it goes on.
import { rm } from 'node:fs/promises';
import { latestCheckpoint, StoppedError } from '@gimbal/tensor-core';

/**
 * The checkpoint that a trainer in `out` goes on from. Where there is none it begins anew, and what a run logged that was
 * killed before its first checkpoint is taken away: it will be logged again.
 * @param out folder of the trainer's log and checkpoints, which need not exist
 * @throws CheckpointError if what is there cannot be read
 */
export async function checkpointIn(out: string, note: (text: string) => void): Promise<string | undefined> {
  const found = await latestCheckpoint(out, note).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) await rm(out, { recursive: true, force: true });
  return found;
}

/** Thrown by a command that was stopped and has saved what it did. */
export const stoppedRun = (command: string, path: string, what: string): StoppedError =>
  new StoppedError({
    where: `gimbal ${command}`,
    what,
    fix: `Go on with: npx gimbal ${command} --out ${path} --resume`,
  });

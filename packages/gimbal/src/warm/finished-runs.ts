// Which runs of gimbal warm are done: those of an earlier call count when it goes on.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Numbers of the runs that left a member. @param folder of the trainer @param runs how many there are to be */
export const finishedRuns = (folder: string, runs: number): number[] =>
  Array.from({ length: runs }, (_, run) => run).filter((run) =>
    existsSync(join(folder, 'members', `run-${run}`, 'member.json')),
  );

// Model folders in the results of stages: a name inside the stage's own folder, which moves when the result is complete,
// or the absolute path of a folder that was given.
import { resolve } from 'node:path';

/** Where the folder is now. */
export const modelFolder = (result: { dir: string }, name: string): string => resolve(result.dir, name);

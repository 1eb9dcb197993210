// Results of stages by what they were made from: <cache>/<stage>/<key>/ with result.json and the stage's files. A result
// appears in one piece when it is complete, or not at all.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { removeLeftovers, writeDirectoryAtomic, writeFileAtomic, writeFileDurable } from '@gimbal/tensor-core';
import { undefinedIfAbsent } from './absent.ts';
import type { StageResult } from './stage.ts';

export class StageCache {
  constructor(private readonly folder: string) {}

  /** The result of that key, if a run has made it. */
  async find(stage: string, key: string): Promise<StageResult | undefined> {
    const dir = join(this.folder, stage, key);
    try {
      return { value: JSON.parse(await readFile(join(dir, 'result.json'), 'utf8')) as unknown, dir };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if ((error as Error).name !== 'SyntaxError') throw error;
      await rm(dir, { recursive: true, force: true }); // a disk that lost power or was full: half a file is no result
      return undefined;
    }
  }

  /**
   * Make a result; if another process was faster, its equal result is kept.
   * @param madeFrom is stored with it, for people
   * @param fill writes the result's files into a folder that is put into its place when all of them are there
   */
  async make(
    stage: string,
    key: string,
    madeFrom: unknown,
    fill: (dir: string) => Promise<unknown>,
  ): Promise<StageResult> {
    const target = join(this.folder, stage, key);
    await removeLeftovers(dirname(target)).catch(undefinedIfAbsent); // of runs that were killed and not gone on with
    try {
      await writeDirectoryAtomic(target, async (dir) => {
        const value = await fill(dir);
        await writeFileDurable(join(dir, 'made-from.json'), `${JSON.stringify(madeFrom, null, 2)}\n`);
        await writeFileDurable(join(dir, 'result.json'), `${JSON.stringify(value ?? null, null, 2)}\n`);
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || !(await this.find(stage, key))) throw error;
    }
    // read back, so that a fresh result and a cached one are the same value
    return { value: JSON.parse(await readFile(join(target, 'result.json'), 'utf8')) as unknown, dir: target };
  }
}

/** What a stage logged belongs to its result: a later run that takes the result shows the same curves. */
const logged = /^(metrics\.jsonl|events\..*|.*\.tfevents\..*)$/;

/** Copy metrics and events from a stage's folder in the run to the result, or back. */
export async function copyLogs(from: string, to: string): Promise<void> {
  const names = (await readdir(from, { recursive: true }).catch(undefinedIfAbsent)) ?? [];
  for (const name of names.filter((n) => logged.test(n.split(/[\\/]/).at(-1) ?? ''))) {
    await mkdir(dirname(join(to, name)), { recursive: true });
    await writeFileAtomic(join(to, name), await readFile(join(from, name)));
  }
}

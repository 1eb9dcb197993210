// Results of stages by what they were made from: <cache>/<stage>/<key>/ with result.json and the stage's files. A result
// appears by one rename when it is complete, or not at all.
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageResult } from './stage.ts';

/** Unfinished results of processes that were killed are removed after a day. */
const staleMs = 24 * 3600 * 1000;

export class StageCache {
  constructor(private readonly folder: string) {}

  /** The result of that key, if a run has made it. */
  async find(stage: string, key: string): Promise<StageResult | undefined> {
    const dir = join(this.folder, stage, key);
    try {
      return { value: JSON.parse(await readFile(join(dir, 'result.json'), 'utf8')) as unknown, dir };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      if (!(error instanceof Error) || error.name !== 'SyntaxError') throw error;
      await rm(dir, { recursive: true, force: true }); // a disk that lost power or was full: half a file is no result
      return undefined;
    }
  }

  /** A folder to make a result in. */
  async begin(stage: string): Promise<string> {
    await this.sweep();
    const dir = join(this.folder, '.unfinished', `${stage}-${randomUUID()}`);
    await mkdir(dir, { recursive: true });
    return dir;
  }

  /** Publish a finished result; if another process was faster, its equal result is kept. */
  async finish(stage: string, key: string, dir: string, value: unknown, madeFrom: unknown): Promise<StageResult> {
    await writeFile(join(dir, 'made-from.json'), `${JSON.stringify(madeFrom, null, 2)}\n`);
    await writeFile(join(dir, 'result.json'), `${JSON.stringify(value ?? null, null, 2)}\n`);
    const target = join(this.folder, stage, key);
    await mkdir(join(this.folder, stage), { recursive: true });
    try {
      await rename(dir, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      await rm(dir, { recursive: true, force: true });
    }
    // read back, so that a fresh result and a cached one are the same value
    return { value: JSON.parse(await readFile(join(target, 'result.json'), 'utf8')) as unknown, dir: target };
  }

  async abandon(dir: string): Promise<void> {
    await rm(dir, { recursive: true, force: true });
  }

  private async sweep(): Promise<void> {
    const folder = join(this.folder, '.unfinished');
    for (const name of await readdir(folder).catch(() => [])) {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > staleMs) await rm(path, { recursive: true, force: true });
    }
  }
}

/** What a stage logged belongs to its result: a later run that takes the result shows the same curves. */
const logged = /^(metrics\.jsonl|events\..*|.*\.tfevents\..*)$/;

/** Copy metrics and events from a stage's folder in the run to the result, or back. */
export async function copyLogs(from: string, to: string): Promise<void> {
  const names = await readdir(from, { recursive: true }).catch(() => []);
  for (const name of names.filter((n) => logged.test(n.split(/[\\/]/).at(-1) ?? ''))) {
    await cp(join(from, name), join(to, name), { recursive: true });
  }
}

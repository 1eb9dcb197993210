// A machine for `gimbal doctor --install` on which all is well, but for what a test changes.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { Output } from '../src/cli/output.ts';
import { type InstallOptions, type InstallReport, runInstall } from '../src/install/run.ts';
import { type Ended, type System, thisSystem } from '../src/install/system.ts';

let folder: string;

/** The folder that the test's cache lies in, as `gimbal`. */
export const home = (): string => folder;

/** Each test of the file has a cache of its own. */
export function useOwnCache(): void {
  const before = process.env.XDG_CACHE_HOME;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gimbal-install-'));
    process.env.XDG_CACHE_HOME = folder;
  });
  afterEach(async () => {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
    await rm(folder, { recursive: true, force: true });
  });
}

export type Reply =
  | Partial<Ended>
  | ((args: readonly string[], cwd: string | undefined, env: NodeJS.ProcessEnv) => Promise<Partial<Ended>>);

/** @param replies what a program answers, by its name; others succeed and say nothing */
export function machine(o: Partial<System> = {}, replies: { [command: string]: Reply } = {}): System {
  return {
    platform: 'linux',
    arch: 'x64',
    glibc: '2.36',
    unusable: thisSystem.unusable,
    freeBytes: () => 1e12,
    async run(command, args, { cwd, env = {} } = {}) {
      const reply = replies[command] ?? {};
      const said = typeof reply === 'function' ? await reply(args, cwd, env as NodeJS.ProcessEnv) : reply;
      return { code: 0, stdout: '', stderr: '', ...said };
    },
    ...o,
  };
}

export const absent: Reply = { code: 127, stderr: 'not found' };

export const gpu = (driver: string, capability: string): Reply => ({ stdout: `${driver}, ${capability}, Some GPU\n` });

/** Runs the command there; it agrees to all that is asked unless `o` says otherwise. */
export async function attempt(
  system: System,
  o: Partial<InstallOptions> = {},
  signal = new AbortController().signal,
): Promise<{ report: InstallReport; text: string }> {
  let text = '';
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const output = new Output({ stdout: sink, stderr: sink }, false);
  const root = pathToFileURL(`${folder}/`);
  const options = { install: 'node', dryRun: false, yes: true, ...o };
  return { report: await runInstall(options, { output, signal, root, system }), text };
}

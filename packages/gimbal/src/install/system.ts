// What an install asks of the machine, in one place, so that a test can be another machine.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** How a program ended. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  cwd?: string;
  env?: { [name: string]: string | undefined };
  signal?: AbortSignal;
  /** The program is killed after this time; default: never. */
  timeoutMs?: number;
}

export interface System {
  platform: string;
  arch: string;
  /** glibc's version; undefined with another C library */
  glibc: string | undefined;
  /** why no folder can be made at this path; undefined where one can */
  unusable(path: string): string | undefined;
  /** bytes free where this path is, or will be */
  freeBytes(path: string): number;
  /** never rejects: a program that does not exist ends with 127 */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<Ended>;
}

export const thisSystem: System = {
  platform: process.platform,
  arch: process.arch,
  glibc: glibcVersion(),
  unusable(path) {
    const there = nearestExisting(path);
    if (!existsSync(there)) return `${there} is a link to what is not there`;
    if (!statSync(there).isDirectory()) return `${there} is a file`;
    // proc and its like
    if (statfsSync(there).blocks === 0) return `${there} is on no disk`;
    try {
      accessSync(there, constants.W_OK);
      return undefined;
    } catch {
      return `${there} cannot be written to`;
    }
  },
  freeBytes(path) {
    const { bavail, bsize } = statfsSync(nearestExisting(path));
    return bavail * bsize;
  },
  run(command, args, options = {}) {
    return new Promise((resolve) => {
      const { cwd, env, signal, timeoutMs } = options;
      const child = spawn(command, args, {
        ...(cwd !== undefined && { cwd }),
        ...(signal !== undefined && { signal }),
        ...(timeoutMs !== undefined && { timeout: timeoutMs, killSignal: 'SIGKILL' as const }),
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const text = { stdout: '', stderr: '' };
      for (const name of ['stdout', 'stderr'] as const) {
        child[name].setEncoding('utf8').on('data', (chunk: string) => {
          text[name] += chunk;
        });
      }
      child.on('error', (error: NodeJS.ErrnoException) => {
        // one that was told to end may write still: its close is waited for
        if (error.name === 'AbortError' && child.pid !== undefined) return;
        resolve({ code: 127, ...text, stderr: text.stderr || `${command}: ${error.message}` });
      });
      child.on('close', (code, killed) =>
        resolve({ code: code ?? 1, ...text, ...(killed && { stderr: `${text.stderr}${killed}` }) }),
      );
    });
  },
};

function nearestExisting(path: string): string {
  let there = path;
  while (!existsSync(there) && !isLink(there)) there = dirname(there);
  return there;
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

function glibcVersion(): string | undefined {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime;
}

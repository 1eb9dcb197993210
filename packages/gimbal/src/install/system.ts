// What an install asks of the machine, in one place, so that a test can be another machine.
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
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
      const { cwd, env, signal } = options;
      const child = spawn(command, args, {
        ...(cwd !== undefined && { cwd }),
        ...(signal !== undefined && { signal }),
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const text = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => {
        text.stdout += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        text.stderr += chunk.toString();
      });
      child.on('error', (error: NodeJS.ErrnoException) =>
        resolve({ code: 127, ...text, stderr: text.stderr || `${command}: ${error.message}` }),
      );
      child.on('close', (code, killed) =>
        resolve({ code: code ?? 1, ...text, ...(killed && { stderr: `${text.stderr}${killed}` }) }),
      );
    });
  },
};

function nearestExisting(path: string): string {
  let there = path;
  while (!existsSync(there)) there = dirname(there);
  return there;
}

function glibcVersion(): string | undefined {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime;
}

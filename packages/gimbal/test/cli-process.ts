// Runs the built command in a process of its own, as a user does. `npm run setup` has built it before the tests.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../bin/gimbal.mjs', import.meta.url));

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** @returns the process, and a promise of how it ended */
export function startCli(
  argv: readonly string[],
  cwd: string,
  env: { [name: string]: string } = {},
): { child: ChildProcess; ended: Promise<Ended>; stderr(): string } {
  if (!existsSync(fileURLToPath(new URL('../dist/cli.js', import.meta.url))))
    throw new Error('build first: npm run setup');
  const child = spawn(process.execPath, [bin, ...argv], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, ...text })));
  return { child, ended, stderr: () => text.stderr };
}

export const runCli = (argv: readonly string[], cwd: string): Promise<Ended> => startCli(argv, cwd).ended;

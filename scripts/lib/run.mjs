// Runs child processes the same way on Linux, macOS and Windows.
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's root folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Runs one command line through the platform's shell (so that `npm`, `pnpm` and the tools of node_modules/.bin are
 * found on Windows too) and waits for it.
 *
 * @param {string} command a command line without shell operators
 * @param {{ cwd?: string, env?: Record<string, string | undefined>, stream?: boolean, timeoutMs?: number }} [options]
 *   `stream` shows the output at once; otherwise it is collected and returned
 * @returns {Promise<{ ok: boolean, code: number | string, output: string, seconds: number }>} never rejects: a command
 *   that cannot start has `ok: false` and the reason in `output`
 */
export function run(command, { cwd = root, env, stream = false, timeoutMs } = {}) {
  const started = performance.now();
  const windows = process.platform === 'win32';
  return new Promise((resolve) => {
    const child = spawn(command, {
      cwd,
      shell: true,
      // a group of its own, so that a timeout ends the whole tree and not only the shell
      detached: !windows,
      // pnpm sets FORCE_COLOR for its children, even into a file
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { FORCE_COLOR: '0', NO_COLOR: '1' }), ...env },
      stdio: ['ignore', stream ? 'inherit' : 'pipe', stream ? 'inherit' : 'pipe'],
    });
    let output = '';
    for (const pipe of [child.stdout, child.stderr]) {
      pipe?.setEncoding('utf8');
      pipe?.on('data', (text) => {
        output += text;
      });
    }
    const stop = (signal) => {
      try {
        if (windows) child.kill();
        else process.kill(-child.pid, signal);
      } catch {
        // it has already ended
      }
    };
    const interrupt = () => stop('SIGINT');
    process.on('SIGINT', interrupt);
    const timer = timeoutMs && setTimeout(() => stop('SIGKILL'), timeoutMs);
    const end = (code, reason = '') => {
      clearTimeout(timer);
      process.off('SIGINT', interrupt);
      const seconds = (performance.now() - started) / 1000;
      if (timeoutMs && seconds * 1000 >= timeoutMs) reason = `stopped: it ran for more than ${timeoutMs / 1000} s`;
      resolve({ ok: code === 0 && !reason, code, output: output + reason, seconds });
    };
    child.on('error', (error) => end(error.code ?? 1, String(error)));
    child.on('close', (code, signal) => end(signal ?? code));
  });
}

/** Quotes one argument for the platform's shell. */
export const quote = (text) =>
  process.platform === 'win32' ? `"${text}"` : `'${String(text).replaceAll("'", `'\\''`)}'`;

// The other side of a claim: a script of peers/ that runs to its end and leaves a file, where the runs take long.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BackendError, StoppedError } from '@gimbal/tensor-core';

/** How many of its last lines an error shows. */
const shown = 5;

/**
 * Runs a script of peers/ under $PYTHON or python3, on one thread.
 * @param root folder of the running code (src or dist), beside which peers/ lies
 * @param args its command line
 * @throws BackendError with what it printed last, if it cannot be started or fails; StoppedError if the signal ended it
 */
export async function runPeerScript(
  root: URL,
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const program = process.env.PYTHON ?? 'python3';
  const file = fileURLToPath(new URL(`../peers/${script}`, root));
  const env = { ...process.env, OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const where = `peer ${script}`;
  const errors: string[] = [];
  try {
    const child = spawn(program, [file, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'], signal });
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code === 0) return;
    throw new Error(code === null ? 'it was ended' : `it ended with ${code}`);
  } catch (cause) {
    if (signal.aborted) throw new StoppedError({ where, what: 'stopped while it ran', cause });
    throw new BackendError({
      where,
      what: [`the peer failed: ${(cause as Error).message}`, ...errors.slice(-shown)].join('\n'),
      fix: 'Set PYTHON to an interpreter that has what the peer imports (stable_baselines3, gymnasium, mujoco …), or leave --peer out',
      cause,
    });
  }
}

// The runs of gimbal warm in several processes: each trains its share of the runs, one after the other.
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WarmStep } from '@gimbal/reward-models';
import { BackendError, CheckpointError, ConfigError, DataError } from '@gimbal/tensor-core';
import type { WarmFailure, WarmJob } from './worker.ts';

interface Crew {
  /** the folder of commands: the worker's code is beside it */
  root: URL;
  workers: number;
  /** of all processes together */
  threads: number;
  signal: AbortSignal;
  onStep(step: WarmStep): void;
}

/**
 * Trains all runs; the average is left to the caller. A run that was stopped leaves a checkpoint.
 * @throws the first process's error, when the others have stopped
 */
export async function trainInProcesses(
  job: Pick<WarmJob, 'settings' | 'path'>,
  { root, workers, threads, signal, onStep }: Crew,
): Promise<void> {
  const { runs } = job.settings;
  const code = ['warm/worker.js', '../dist/warm/worker.js'].map((name) => fileURLToPath(new URL(name, root)));
  const file = code.find((path) => existsSync(path));
  if (file === undefined) {
    const what = 'the code of its processes is not built';
    throw new ConfigError({ where: 'gimbal warm --workers', what, got: code[0], fix: 'Build it, or use --workers 1' });
  }
  const children: ChildProcess[] = [];
  const stop = (): void => {
    for (const child of children) if (child.connected) child.send('stop');
  };
  signal.addEventListener('abort', stop, { once: true });
  const one = (worker: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(file, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      children.push(child);
      let errors = '';
      child.stderr?.on('data', (chunk: Buffer) => {
        errors += chunk.toString();
      });
      let failure: WarmFailure | undefined;
      child.on('message', (message: WarmStep | { failed: WarmFailure }) => {
        if ('failed' in message) failure = message.failed;
        else onStep(message);
      });
      child.on('error', reject);
      child.on('close', (exit, killedBy) => {
        if (exit === 0) return resolve();
        const where = `gimbal warm, process ${worker + 1} of ${workers}`;
        if (failure !== undefined) return reject(errorOf(failure, where));
        const why = errors.trim() === '' ? `ended with ${killedBy ?? `exit code ${exit}`}` : errors.trim();
        reject(new BackendError({ where, what: why }));
      });
      const only = Array.from({ length: runs }, (_, run) => run).filter((run) => run % workers === worker);
      child.send({ ...job, threads: Math.max(1, Math.floor(threads / workers)), only } satisfies WarmJob);
      if (signal.aborted) child.send('stop');
    });
  const stopOthers = (error: unknown): never => {
    stop();
    throw error;
  };
  const all = Array.from({ length: workers }, (_, worker) => one(worker).catch(stopOthers));
  try {
    for (const result of await Promise.allSettled(all)) if (result.status === 'rejected') throw result.reason;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

const kinds = { ERR_CONFIG: ConfigError, ERR_DATA: DataError, ERR_CHECKPOINT: CheckpointError };

/** The error again, of its kind, so that it ends the command as it would have in one process. */
function errorOf({ message, code, path }: WarmFailure, where: string): Error {
  const Kind = kinds[code as keyof typeof kinds] ?? (code?.startsWith('ERR_') === false ? undefined : BackendError);
  // of the system, such as ENOSPC: the command knows what to do about it
  return Kind === undefined
    ? Object.assign(new Error(message), { code, path })
    : new Kind({ where, what: message.replace(/\.$/, '') });
}

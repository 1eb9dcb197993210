// How many threads the process may use, and how many the kernels do.
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { loadAddon } from './addon.ts';
import { cgroupQuota } from './cgroup.ts';
import { flush } from './commands.ts';
import { NativeError } from './errors.ts';

/** Threads by default: the cores that affinity and the control groups leave to the process; 1 inside a worker thread. */
export function defaultThreads(): number {
  if (!isMainThread) return 1;
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(cgroupQuota())));
}

/**
 * The threads that the package starts with.
 * @param setting GIMBAL_THREADS: a whole number from 1 to 256; anything else counts as absent
 */
export function startingThreads(setting: string | undefined): number {
  const threads = Number(setting);
  return Number.isInteger(threads) && threads >= 1 && threads <= 256 ? threads : defaultThreads();
}

/**
 * Sets how many threads a kernel may use, the calling one counted.
 * @param threads a whole number ≥ 1
 * @throws NativeError for anything else
 * @returns the number in force, which is smaller when the system refuses more; 1 without a native binary.
 */
export function setThreads(threads: number): number {
  if (!Number.isSafeInteger(threads) || threads < 1)
    throw new NativeError('ERR_CONFIG', {
      where: 'setThreads',
      what: 'no number of threads',
      got: String(threads),
      wanted: 'a whole number ≥ 1',
    });
  flush();
  return loadAddon()?.setThreads(threads) ?? 1;
}

// How many threads the process may use, and how many the kernels do.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { loadAddon } from './addon.ts';
import { flush } from './commands.ts';
import { NativeError } from './errors.ts';

/** CPUs that the control group's quota allows (version 2, else 1), or Infinity. */
function cgroupQuota(): number {
  const read = (file: string): string | undefined => {
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      return undefined; // not Linux, or no such controller
    }
  };
  const [quota, period] =
    read('/sys/fs/cgroup/cpu.max')?.split(' ') ??
    ['quota', 'period'].map((name) => read(`/sys/fs/cgroup/cpu/cpu.cfs_${name}_us`));
  const cpus = Number(quota) / Number(period);
  return cpus > 0 ? cpus : Infinity; // "max" and -1 mean no limit
}

/** Threads by default: the cores that affinity and the control group leave to the process; 1 inside a worker thread. */
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

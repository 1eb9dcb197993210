// The backend of a command, from the global options; and with --trace, where the time went.
import { BackendError, type BackendInfo, ConfigError, type GimbalError } from '@gimbal/tensor-core';
import { duration, textTable } from '../cli/format.ts';
import type { GlobalOptions } from '../cli/globals.ts';
import type { Output } from '../cli/output.ts';
import { nativePackage } from './native.ts';

export interface Compute extends BackendInfo {
  /** Print time per kernel and host fallbacks, if --trace asked for them. */
  trace(output: Output): Promise<void>;
}

/** What computes in this process, as far as results depend on it: other kernels, or more of them at a time, round otherwise. */
export interface ComputedWith {
  backend: string;
  isa: string;
  threads: number;
}

let started: ComputedWith | undefined;

/** The backend that a command started last. @throws BackendError before that */
export function computedWith(): ComputedWith {
  if (started === undefined) throw new BackendError({ where: 'gimbal', what: 'no backend was started' });
  return started;
}

/** kernels shown; the rest is one line */
const shown = 20;

/** Choose the backend that the options name, and start counting if they ask for it. */
export async function startCompute(o: Pick<GlobalOptions, 'backend' | 'threads' | 'trace'>): Promise<Compute> {
  const { useBackend } = await import('@gimbal/tensor-core');
  const info = await useBackend(o.backend, o.threads === undefined ? {} : { threads: o.threads }).catch((error) =>
    Promise.reject(inOptions(error, o.backend)),
  );
  started = { backend: info.name, isa: info.isa ?? '', threads: info.threads };
  const native = o.trace ? await nativePackage() : undefined;
  native?.setProfiling(true);
  native?.resetHostKernelCounts();
  const began = performance.now();
  return {
    ...info,
    async trace(output) {
      if (!o.trace) return;
      const { noteColors: c } = output;
      if (info.name !== 'native' || !native) {
        output.note(
          c.dim(`--trace: time per kernel is counted on the native backend only; this run used ${info.name}`),
        );
        return;
      }
      for (const line of report(native.kernelTimes(), native.hostKernelCounts(), performance.now() - began)) {
        output.note(c.dim(line));
      }
    },
  };
}

/** @throws ConfigError where products in bf16 were asked for and the backend has none; `where` is the command */
export function refuseBf16(where: string, precision: 'float32' | 'bf16', { name, bf16 }: BackendInfo): void {
  if (precision !== 'bf16' || bf16) return;
  const what = `the backend ${name} has no bf16 products on this machine`;
  const fix = 'Leave out --precision bf16';
  throw new ConfigError({ where: `${where} --precision`, what, got: 'bf16', wanted: 'float32', fix });
}

/** A backend that cannot be used, in the words of the command line. */
function inOptions(error: unknown, backend: string): unknown {
  const { code, what, fix } = error as Partial<GimbalError>;
  if (code !== 'ERR_BACKEND') return error;
  return new BackendError({
    where: `--backend ${backend}`,
    what: `${what}`,
    fix: fix ?? 'gimbal doctor shows what works here; leave --backend out to take the fastest',
    cause: error,
  });
}

function report(
  times: readonly { operation: string; calls: number; milliseconds: number }[],
  host: { [kernel: string]: number },
  elapsedMs: number,
): string[] {
  const row = (name: string, calls: number, ms: number): string[] => [
    name,
    String(calls),
    duration(ms / 1000),
    `${((100 * ms) / elapsedMs).toFixed(1)} %`,
  ];
  const sum = (list: typeof times, of: 'calls' | 'milliseconds'): number => list.reduce((all, t) => all + t[of], 0);
  const rest = times.slice(shown);
  const kernels = sum(times, 'milliseconds');
  const rows = [
    ...times.slice(0, shown).map((t) => row(t.operation, t.calls, t.milliseconds)),
    ...(rest.length > 0 ? [row(`${rest.length} more`, sum(rest, 'calls'), sum(rest, 'milliseconds'))] : []),
    row('outside kernels', 0, Math.max(0, elapsedMs - kernels)),
  ];
  const fallbacks = Object.entries(host).sort(([, a], [, b]) => b - a);
  return [
    ...textTable(['operation', 'calls', 'time', 'share'], rows),
    fallbacks.length === 0
      ? 'host fallbacks: none'
      : `host fallbacks: ${fallbacks.map(([kernel, calls]) => `${kernel} ${calls}`).join(', ')}`,
  ];
}

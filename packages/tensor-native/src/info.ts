// What runs, how fast, on how much memory.
import { type Addon, loadAddon } from './addon.ts';
import { flush } from './commands.ts';
import { type HeapReport, heap } from './memory/heap.ts';

/** The instruction sets and threads in use; undefined without a binary. */
export function nativeInfo(): ReturnType<Addon['info']> | undefined {
  return loadAddon()?.info();
}

/** Counts and times every native operation from now on, from zero, or stops. */
export function setProfiling(on: boolean): void {
  flush();
  loadAddon()?.setProfiling(on);
}

/** Per operation since `setProfiling(true)`: calls and milliseconds, slowest first. */
export function kernelTimes(): { operation: string; calls: number; milliseconds: number }[] {
  flush();
  return Object.entries(loadAddon()?.profile() ?? {})
    .map(([operation, [calls, microseconds]]) => ({ operation, calls, milliseconds: microseconds / 1000 }))
    .sort((x, y) => y.milliseconds - x.milliseconds);
}

/** Bytes in tensors, their peak, and address space reserved. */
export function memoryInfo(): HeapReport {
  return heap.report();
}

/** `peakBytes` of `memoryInfo()` starts anew from what is live: before work whose memory is measured. */
export function resetPeakMemory(): void {
  heap.resetPeak();
}

/**
 * Waits until everything that was asked for is computed: before a clock is read. Reads of a tensor wait by themselves.
 */
export function synchronize(): void {
  flush();
}

/** Gives the memory of freed tensors back to the system. @returns bytes given back */
export function releaseFreeMemory(): number {
  return heap.releaseFreeMemory();
}

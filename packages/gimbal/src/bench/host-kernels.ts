// How many kernels fell to JavaScript on the host while something ran: counted by the native backend. What others count
// (--trace does) goes on undisturbed.
import { getBackend } from '@tensorflow/tfjs-core';
import { nativePackage } from '../run/native.ts';

/** Run the work, and count; 0 on a backend that has no other place to compute. */
export async function countHostKernels<T>(work: () => T | Promise<T>): Promise<{ value: T; hostKernels: number }> {
  const native = getBackend() === 'native' ? await nativePackage() : undefined;
  const total = (): number => Object.values(native?.hostKernelCounts() ?? {}).reduce((sum, n) => sum + n, 0);
  const before = total();
  const value = await work();
  return { value, hostKernels: total() - before };
}

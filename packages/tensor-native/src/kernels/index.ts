// The kernel families, and the cpu kernels that stand in for what has no native body.
import { getKernelsForBackend, type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { hostConfig } from './host.ts';

const families: readonly (readonly KernelConfig[])[] = [];

/** Registers every kernel of the backend, native ones first. */
export function registerKernels(): void {
  const native = new Set<string>();
  for (const family of families)
    for (const kernel of family) {
      registerKernel(kernel);
      native.add(kernel.kernelName);
    }
  for (const kernel of getKernelsForBackend('cpu'))
    if (!native.has(kernel.kernelName)) registerKernel(hostConfig(kernel));
}

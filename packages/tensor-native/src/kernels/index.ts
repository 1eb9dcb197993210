// The kernel families, and the cpu kernels that stand in for what has no native body.
import { getKernelsForBackend, type KernelConfig, registerKernel } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { kernels as fused } from '../fused/index.ts';
import { kernels as binary } from './binary.ts';
import { kernels as cast } from './cast.ts';
import { kernels as compare } from './compare.ts';
import { kernels as conv } from './conv.ts';
import { kernels as einsum } from './einsum.ts';
import { kernels as gather } from './gather.ts';
import { hostConfig } from './host.ts';
import { kernels as layout } from './layout.ts';
import { kernels as matMul } from './mat-mul.ts';
import { kernels as philox } from './philox.ts';
import { kernels as pool } from './pool.ts';
import { kernels as random } from './random.ts';
import { kernels as reduce } from './reduce.ts';
import { kernels as softmax } from './softmax.ts';
import { kernels as spatial } from './spatial.ts';
import { kernels as unary } from './unary.ts';

const families: readonly (readonly KernelConfig[])[] = [
  binary,
  cast,
  compare,
  conv,
  einsum,
  fused,
  gather,
  layout,
  matMul,
  philox,
  pool,
  random,
  reduce,
  softmax,
  spatial,
  unary,
];

/** Registers every kernel of the backend, native ones first. */
export function registerKernels(): void {
  const native = new Set<string>();
  for (const family of families)
    for (const kernel of family) {
      registerKernel(kernel);
      native.add(kernel.kernelName);
    }
  for (const kernel of getKernelsForBackend('cpu'))
    if (!native.has(kernel.kernelName) && !('composition' in kernel.kernelFunc)) registerKernel(hostConfig(kernel));
}

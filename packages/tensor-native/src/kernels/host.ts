// Host kernels: tfjs's cpu kernels on native memory, counted. A training loop must not need one.

import {
  getKernel,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { isRecording } from '../commands.ts';
import { NativeError } from '../errors.ts';

const counts = new Map<string, number>();

/** How often each kernel ran in JavaScript since the last reset: `{ [kernel]: calls }`. */
export function hostKernelCounts(): Record<string, number> {
  return Object.fromEntries(counts);
}

/** Starts the counts of `hostKernelCounts` again from nothing. */
export function resetHostKernelCounts(): void {
  counts.clear();
}

/**
 * The cpu kernel of a name, as a body for what a native kernel does not cover (other dtypes, rare options).
 * @throws while a step is captured: it would run once and freeze its result.
 */
export function hostKernel(name: string): KernelFunc {
  let body: KernelFunc | undefined;
  return (params) => {
    if (isRecording())
      throw new NativeError('ERR_CONFIG', {
        where: 'capture',
        what: `the kernel '${name}' has no native body here and would freeze its result`,
        fix: 'Run it before or after the step',
      });
    counts.set(name, (counts.get(name) ?? 0) + 1);
    body ??= getKernel(name, 'cpu').kernelFunc;
    const run = body;
    return backend.holdingIntermediates(() => {
      const result = run({ ...params, backend });
      return Array.isArray(result) ? result.map(retyped) : retyped(result);
    });
  };
}

/**
 * cpu kernels cast to a wider type by renaming it, as their arrays know what they hold; native memory does not, so the
 * numbers are stored anew.
 */
function retyped(tensor: TensorInfo): TensorInfo {
  const storage = backend.buffer(tensor.dataId);
  if (storage.dtype === tensor.dtype || storage.dtype === 'string' || storage.dtype === 'complex64') return tensor;
  const result = backend.makeTensorInfo(tensor.shape, tensor.dtype, storage.view());
  backend.disposeData(tensor.dataId);
  return result;
}

/** `hostKernel` for the body of a native kernel: takes the call as the native body got it. */
export function hostBody(name: string): (call: KernelCall<unknown, unknown>) => ReturnType<KernelFunc> {
  const run = hostKernel(name);
  return (call) => run(call as unknown as Parameters<KernelFunc>[0]);
}

/** Registers a cpu kernel under the native backend. */
export function hostConfig(config: KernelConfig): KernelConfig {
  return { ...config, backendName: 'native', kernelFunc: hostKernel(config.kernelName) };
}

/** A kernel's arguments with the types its body expects. */
export interface KernelCall<I, A> {
  inputs: I;
  attrs: A;
}

/** One native kernel: its tfjs name and its body. */
export function nativeKernel<I = NamedTensorInfoMap, A = NamedAttrMap>(
  kernelName: string,
  body: (call: KernelCall<I, A>) => ReturnType<KernelFunc>,
): KernelConfig {
  return { kernelName, backendName: 'native', kernelFunc: body as unknown as KernelFunc };
}

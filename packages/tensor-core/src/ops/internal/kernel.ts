// A kernel of ours with two bodies: a composition of TensorFlow.js ops that runs on every backend, and, where a backend
// brings one, a fused kernel registered with TensorFlow.js under the same name. Callers never ask which one runs.

import {
  engine,
  getBackend,
  getKernel,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorMap,
  registerKernel,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';

/** Named tensors of a call; an absent optional input has no key (TensorFlow.js walks the keys). A list has numbers. */
export type Inputs = NamedTensorMap;

/** Numbers, strings, booleans and arrays of them that parametrise a call. */
export type Attributes = { readonly [name: string]: number | string | boolean | readonly number[] | undefined };

export interface Kernel<A extends Attributes> {
  readonly name: string;
  /** The body for backends that have none of their own. Runs in a scope; what it returns survives. */
  readonly compose: (inputs: Inputs, attributes: A) => Tensor[];
  /** The backend on which the kernel is known to be registered, so that most calls skip the look-up. */
  checkedOn?: string;
  /** Whether that backend has a body of its own. */
  fused?: boolean;
}

/** Declares a kernel. Nothing is registered before its first call on a backend. */
export function defineKernel<A extends Attributes>(
  name: string,
  compose: (inputs: Inputs, attributes: A) => Tensor[],
): Kernel<A> {
  return { name, compose };
}

/** Whether the active backend has a fused body of its own for the kernel. */
export function hasFusedBody<A extends Attributes>(kernel: Kernel<A>): boolean {
  ensureKernel(kernel);
  return kernel.fused === true;
}

/** Registers the composition with the active backend unless that backend has the kernel. */
export function ensureKernel<A extends Attributes>(kernel: Kernel<A>): void {
  const backendName = getBackend();
  if (kernel.checkedOn === backendName) return;
  if (getKernel(kernel.name, backendName) === undefined) {
    // the engine hands over the very tensors that it was called with
    const kernelFunc: KernelFunc = ({ inputs, attrs }) =>
      tidy(() => kernel.compose(inputs as unknown as Inputs, attrs as unknown as A));
    // tells it from a backend's own; tensor-native takes the cpu backend's kernels as fallbacks: not this one, which runs anywhere as it is
    Object.assign(kernelFunc, { composition: true });
    registerKernel({ kernelName: kernel.name, backendName, kernelFunc });
  }
  kernel.checkedOn = backendName;
  kernel.fused = !('composition' in getKernel(kernel.name, backendName).kernelFunc);
}

/**
 * Runs a kernel on the active backend.
 * @returns its outputs; the caller disposes them
 */
export function runKernel<A extends Attributes>(kernel: Kernel<A>, inputs: Inputs, attributes: A): Tensor[] {
  ensureKernel(kernel);
  const out: Tensor | Tensor[] = engine().runKernel(kernel.name, inputs, attributes as unknown as NamedAttrMap);
  return Array.isArray(out) ? out : [out];
}

/** The first output of a kernel call. */
export function runKernel1<A extends Attributes, T extends Tensor = Tensor>(
  kernel: Kernel<A>,
  inputs: Inputs,
  attributes: A,
): T {
  return runKernel(kernel, inputs, attributes)[0] as T;
}

/** The named tensors that are there: TensorFlow.js wants no key for an absent input. */
export function present(inputs: { readonly [name: string]: Tensor | undefined }): Inputs {
  const out: Inputs = {};
  for (const name in inputs) {
    const tensor = inputs[name];
    if (tensor !== undefined) out[name] = tensor;
  }
  return out;
}

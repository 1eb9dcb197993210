// The parts of TensorFlow.js's engine that the lean tape replaces or reads: none of them is public, all are of one version.
import { engine, type KernelBackend, type NamedAttrMap, type Tensor, type TensorInfo } from '@tensorflow/tfjs-core';

/** The tfjs-core whose engine this replaces. */
export const written = '4.22.0';

export type Inputs = { [name: string]: Tensor | null | undefined };
export type GradientMap = { [name: string]: (() => Tensor) | undefined };
export type GradientFunction = (
  dy: Tensor | Tensor[],
  saved: Tensor[],
  attrs: NamedAttrMap,
  /** The inputs whose gradients will be asked for, each once: a hint that tfjs's own gradients do not take. */
  wanted: readonly string[],
) => GradientMap;

/** One recorded call. */
export interface Node {
  kernelName: string;
  inputs: Inputs;
  outputs: Tensor[];
  saved: Tensor[];
  attrs: NamedAttrMap;
  gradient: GradientFunction | undefined;
  /** The inputs that depend on what is differentiated. */
  needed: string[];
}

export interface CustomCall {
  kernelName?: string;
  forwardFunc?: (backend: KernelBackend, save: (tensors: Tensor[]) => void) => Tensor | Tensor[];
  backwardsFunc?: GradientFunction;
  inputs: Inputs;
  attrs?: NamedAttrMap;
}

export interface Scope {
  track: Tensor[];
  name: string;
  id: number;
}

export interface State {
  numBytes: number;
  numTensors: number;
  numStringTensors: number;
  numDataBuffers: number;
  activeTape: Node[] | null;
  gradientDepth: number;
  kernelDepth: number;
  activeScope: Scope | null;
  scopeStack: Scope[];
  nextScopeId: number;
  tensorInfo: InfoTable;
  profiling: boolean;
  numDataMovesStack: number[];
}

export interface Info {
  backend: KernelBackend;
  dtype: string;
  shape: number[];
  bytes: number;
}

/** What the engine knows of a data id. */
export interface InfoTable {
  get(id: object): Info | undefined;
  set(id: object, info: Info): void;
  has(id: object): boolean;
  delete(id: object): boolean;
}

export interface TfEngine {
  state: State;
  ENV: { flags: { [name: string]: unknown } };
  backend: KernelBackend;
  backendName: string | null;
  backendInstance: KernelBackend | null;
  nextTensorId(): number;
  runKernel(name: string, inputs: Inputs, attrs?: NamedAttrMap): Tensor | Tensor[];
  runKernelFunc(call: CustomCall): Tensor | Tensor[];
  gradients(f: () => Tensor, xs: Tensor[], dy?: Tensor | null, allowNoGradients?: boolean): unknown;
  addTapeNode(
    kernelName: string,
    inputs: Inputs,
    outputs: Tensor[],
    gradient: GradientFunction,
    saved: Tensor[],
    attrs: NamedAttrMap,
  ): void;
  tidy<T>(nameOrFn: string | (() => T), fn?: () => T): T;
  startScope(name?: string): void;
  endScope(result?: unknown): void;
  trackTensor(tensor: Tensor, backend?: KernelBackend): void;
  disposeTensor(tensor: Tensor): void;
  checkKernelForMemLeak(name: string, before: number, out: TensorInfo[]): void;
  makeTensor(values: unknown, shape: number[], dtype: string): Tensor;
  reset(): void;
}

export const tf = engine() as unknown as TfEngine;
export type Method =
  | 'runKernel'
  | 'runKernelFunc'
  | 'gradients'
  | 'addTapeNode'
  | 'tidy'
  | 'startScope'
  | 'endScope'
  | 'trackTensor'
  | 'disposeTensor'
  | 'reset';

/** The engine's own methods, as they were before any was replaced. */
export const stock: { readonly [K in Method]: TfEngine[K] } = {
  runKernel: tf.runKernel,
  runKernelFunc: tf.runKernelFunc,
  gradients: tf.gradients,
  addTapeNode: tf.addTapeNode,
  tidy: tf.tidy,
  startScope: tf.startScope,
  endScope: tf.endScope,
  trackTensor: tf.trackTensor,
  disposeTensor: tf.disposeTensor,
  reset: tf.reset,
};

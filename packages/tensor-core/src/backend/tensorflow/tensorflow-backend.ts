// The parts of tfjs-node's backend and binding that we use.
import type { KernelBackend, Tensor, TensorInfo } from '@tensorflow/tfjs-core';

/** One attribute of a TensorFlow operation. */
export interface Attribute {
  name: string;
  /** A member of the binding that starts with `TF_ATTR_`. */
  type: number;
  value: number | boolean | string | readonly number[] | readonly string[];
}

/** An output of an operation, in the binding's terms. */
export interface Metadata {
  id: number;
  shape: number[];
  dtype: number;
}

/** tfjs-node's binding; the optional functions are those that `gimbal doctor --install` compiles beside it. */
export interface Binding {
  readonly TF_Version: string;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  isUsingGpuDevice(): boolean;
  createTensor(shape: number[], dtype: number, values: unknown): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array;
  /** `executeOp`, where a string attribute may be a list. */
  runOp?(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): Metadata[];
  readAsync?(id: number): Promise<Float32Array | Int32Array | Uint8Array>;
  /** `createTensor` on a copy of the values. */
  upload?(shape: number[], dtype: number, values: unknown): number;
}

interface TensorData {
  shape: number[];
  dtype: number;
  /** Not handed to TensorFlow yet. */
  values: unknown;
  id: number;
  refCount: number;
}

/** tfjs-node's backend. */
export interface TensorFlowBackend extends KernelBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: { get(dataId: object): TensorData; has(dataId: object): boolean };
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(metadata: Metadata): Tensor;
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly TensorInfo[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): Tensor[];
}

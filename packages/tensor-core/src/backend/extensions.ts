// What a backend may offer beyond tfjs's interface, as its property `extensions`: it is there however the backend was made
// current. The library asks here, so that nothing else knows which backend offers what.
import { findBackend, getBackend, type Tensor } from '@tensorflow/tfjs-core';

/** Precision of matrix products: operands as they are, or rounded to bf16; sums are float32 in both. */
export type Precision = 'float32' | 'bf16';

/** A matrix [n, k] (a linear layer's [out, in]): element (r, i) is scale · (code − zero) + offset, of its group. */
export interface BlockWeight {
  /** Rows and columns. */
  shape: [n: number, k: number];
  /** Of a code. */
  bits: 4 | 8;
  /** Consecutive elements of a row that share a scale; k is a multiple. */
  group: 16 | 32;
  /** One byte for each element, [n, k] in order: 0…15 for 4 bits, two's complement for 8. */
  codes: Uint8Array;
  /** Subtracted from codes of 4 bits; 0 for 8. */
  zero: number;
  /** One for each group, [n, k / group], as float32 or the raw bits of float16. All finite. */
  scales: Float32Array | Uint16Array;
  /** Like `scales`, and of their type. Default: none. */
  offsets?: Float32Array | Uint16Array;
}

/** A recorded step. */
export interface CapturedProgram {
  replay(): void;
  dispose(): void;
}

export interface BackendExtensions {
  /** Whether products can run in bf16. */
  readonly bf16: boolean;
  /** The precision of products from now on. */
  precision: Precision;
  /** Attaches a packed copy to a weight; in-place writes and `unpackWeight` drop it. */
  packWeight(weight: Tensor, o: { transposed: boolean; precision: Precision }): void;
  unpackWeight(weight: Tensor): void;
  /** What stands for a weight's packed copies or its codes: another object, or none, once they were dropped. */
  packedCopies(weight: Tensor): object | undefined;
  /** A float32 tensor that holds codes only (block-weight.ts). */
  blockWeight(w: BlockWeight): Tensor;
  /** Bytes of a tensor's codes, and of its floats if it has both; undefined for one without codes. */
  blockBytes(weight: Tensor): number | undefined;
  /** Runs a step once and records it. @throws where it holds something that a replay would get wrong */
  capture(step: () => void): CapturedProgram;
  /** Overwrites a tensor's elements in place. */
  overwrite(target: Tensor, values: ArrayLike<number>): void;
  /** A tensor's elements without a copy; valid until it is disposed. */
  view(source: Tensor): ArrayLike<number>;
}

/** What the current backend offers; undefined for tfjs's own backends. */
export function backendExtensions(): BackendExtensions | undefined {
  return (findBackend(getBackend()) as { extensions?: BackendExtensions } | null)?.extensions;
}

// A tensor's storage. The object itself is the `dataId` that tfjs passes around, so no table is searched per kernel.
import type { backend_util, DataType, TensorInfo } from '@tensorflow/tfjs-core';
import { emitOnce, flush, op } from '../commands.ts';
import { heap } from './heap.ts';

const UNPACK = op('unpack_blocks');

/** Bytes of one element; strings and complex numbers have no block of their own. */
function elementBytes(dtype: DataType): number {
  return dtype === 'bool' ? 1 : 4;
}

/** A packed copy of a weight: op(B) is [k, n]; `transposed` when the weight is stored [n, k]. */
export interface PackedCopy {
  k: number;
  n: number;
  transposed: boolean;
  precision: 'float32' | 'bf16';
  address: number;
  bytes: number;
}

/** A weight [n, k] in blocks of few bits (cc/kernels/gemm/blocks.h). */
export interface Blocks {
  n: number;
  k: number;
  address: number;
  bytes: number;
}

export type NativeArray = Float32Array | Int32Array | Uint8Array;

export class NativeBuffer {
  /** Where the elements are; 0 when there is no block (strings, complex numbers, disposed). */
  address = 0;
  refCount = 1;
  /** complex64 as tfjs's cpu backend keeps it: two float32 tensors. */
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  strings?: Uint8Array[] | undefined;
  /** Packed copies of a weight that products read in its place (kernels/packed.ts). */
  packed?: PackedCopy[] | undefined;
  /** What the storage holds in place of floats, or beside them once something asked for those (kernels/blocks.ts). */
  blocks: Blocks | undefined = undefined;
  #view: NativeArray | undefined;

  /**
   * @param size elements
   * @param fresh the host will write the values (see Heap.allocate)
   * @param blocks what holds the values: there is no block of floats until one is asked for
   */
  constructor(
    public size: number,
    public dtype: DataType,
    fresh = false,
    blocks?: Blocks,
  ) {
    this.blocks = blocks;
    if (blocks === undefined && dtype !== 'string' && dtype !== 'complex64')
      this.address = heap.allocate(this.bytes, fresh);
  }

  get bytes(): number {
    return this.size * elementBytes(this.dtype);
  }

  /** The elements in place (not a copy): valid until the buffer is disposed. */
  get values(): backend_util.BackendValues | undefined {
    if (this.dtype === 'string') return this.strings;
    return this.place() === 0 ? undefined : this.view();
  }

  /** The elements as commands have left them; those that wait run first. */
  view(): NativeArray {
    this.place();
    flush();
    return this.#array();
  }

  /**
   * Where the elements are, as floats. A step that is being captured finds them there: a replay that unpacked them again
   * would undo what was written in place since, and the blocks are gone then. So they take memory that is not the program's.
   */
  place(): number {
    if (this.address === 0 && this.blocks !== undefined) {
      this.address = heap.allocate(this.bytes, true);
      emitOnce(UNPACK, this.blocks.address, this.address);
    }
    return this.address;
  }

  /** Writes the first values into a `fresh` buffer, whose memory no waiting command uses. */
  fill(values: ArrayLike<number>): void {
    this.#array().set(values);
  }

  #array(): NativeArray {
    if (this.#view === undefined) {
      const { buffer, offset } = heap.locate(this.place());
      if (this.dtype === 'int32') this.#view = new Int32Array(buffer, offset, this.size);
      else if (this.dtype === 'bool') this.#view = new Uint8Array(buffer, offset, this.size);
      else this.#view = new Float32Array(buffer, offset, this.size);
    }
    return this.#view;
  }

  /** Call before the elements change in place: packed copies and blocks would be stale. */
  written(): void {
    this.place();
    this.unpack();
    this.#dropBlocks();
  }

  #dropBlocks(): void {
    if (this.blocks === undefined) return;
    heap.free(this.blocks.address, this.blocks.bytes);
    this.blocks = undefined;
  }

  /** Drops the packed copies. */
  unpack(): void {
    if (this.packed !== undefined) {
      for (const { address, bytes } of this.packed) heap.free(address, bytes);
      this.packed = undefined;
    }
  }

  /** Frees the block. */
  release(): void {
    this.unpack();
    this.#dropBlocks();
    if (this.address !== 0) heap.free(this.address, this.bytes);
    this.address = 0;
    this.#view = undefined;
    this.strings = undefined;
  }
}

// Packed weights: the right operand of a product laid out once as the micro-kernels read it (cc/kernels/gemm/pack.h).
// At 32 rows packing costs as much as a third of the product; a weight that does not change need not pay it again.
// The copy hangs on the tensor's storage, is used by every product that reads it, and goes when the storage is written
// in place or freed.

import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { backend, type MatMulPrecision } from '../backend.ts';
import { emit, flush, op, optionalOp } from '../commands.ts';
import { NativeError } from '../errors.ts';
import { heap } from '../memory/heap.ts';
import type { NativeBuffer } from '../memory/native-buffer.ts';

const PACK = op('pack_b');
const SIZE = op('packed_b_size');
const PACK_BF16 = optionalOp('pack_b_bf16');
const SIZE_BF16 = optionalOp('packed_b_size_bf16');

/**
 * What a product may read in place of `b`, as its command takes it: the address of a packed copy, that of blocks and 1,
 * or 0.
 * @param transposeA the left operand is stored [k, m], which products with blocks do not read
 */
export function packedOperand(b: TensorInfo, k: number, n: number, transposed: boolean, transposeA = false): number {
  const { packed: copies, blocks } = b.dataId as NativeBuffer;
  if (blocks !== undefined && transposed && !transposeA && blocks.k === k && blocks.n === n) {
    if (heap.observer !== undefined) heap.observer.touched(blocks.address);
    return blocks.address + 1;
  }
  if (copies === undefined) return 0;
  const precision = backend.matMulPrecision;
  for (const copy of copies)
    if (copy.transposed === transposed && copy.k === k && copy.n === n && copy.precision === precision) {
      if (heap.observer !== undefined) heap.observer.touched(copy.address);
      return copy.address;
    }
  return 0;
}

/** Where `b` is, for a product that reads `packed` in its place if that is not 0. */
export const operandAddress = (b: TensorInfo, packed: number): number => (packed !== 0 ? 0 : backend.address(b));

/** How `packWeight` lays a weight out. */
export interface PackOptions {
  /** The weight is stored [n, k] and used transposed (torch's Linear); default false: stored [k, n]. */
  transposed?: boolean;
  /** Default: the backend's `matMulPrecision`. */
  precision?: MatMulPrecision;
}

/**
 * Attaches a packed copy to a weight of rank 2; products use it from now on. Packing again refreshes it.
 * @param weight float32, [k, n] or, with `transposed`, [n, k]
 * @throws NativeError when the weight has another rank or dtype, or bf16 is asked of a machine without it
 */
export function packWeight(weight: TensorInfo, options: PackOptions = {}): void {
  if (typeof options !== 'object' || options === null)
    throw new NativeError('ERR_CONFIG', {
      where: 'packWeight',
      what: 'the options are no object',
      got: String(options),
      wanted: 'an object',
    });
  const { transposed = false, precision = backend.matMulPrecision } = options;
  if (weight.shape.length !== 2 || weight.dtype !== 'float32')
    throw new NativeError('ERR_SHAPE', {
      where: 'packWeight',
      what: 'a weight that cannot be packed',
      got: `${weight.dtype} of shape [${weight.shape}]`,
      wanted: 'a float32 matrix',
    });
  backend.requirePrecision(precision);
  const [rows, columns] = weight.shape as [number, number];
  const [k, n] = transposed ? [columns, rows] : [rows, columns];
  if (util.sizeFromShape(weight.shape) === 0) return;
  const storage = backend.buffer(weight.dataId);
  if (storage.blocks !== undefined && transposed) return; // products read those
  const bf16 = precision === 'bf16';
  const bytes = readSize(bf16 ? SIZE_BF16 : SIZE, k, n);
  storage.packed ??= [];
  let copy = storage.packed.find(
    (c) => c.transposed === transposed && c.precision === precision && c.k === k && c.n === n,
  );
  if (copy === undefined) {
    copy = { k, n, transposed, precision, address: heap.allocate(bytes), bytes };
    storage.packed.push(copy);
  }
  emit(bf16 ? PACK_BF16 : PACK, k, n, backend.address(weight), columns, transposed ? 1 : 0, copy.address);
}

/** Drops a weight's packed copies. */
export function unpackWeight(weight: TensorInfo): void {
  backend.buffer(weight.dataId).unpack();
}

/** The bytes of a packed operand or of blocks, which the C++ side knows. */
export function readSize(operation: number, ...form: readonly number[]): number {
  const address = heap.allocate(8);
  emit(operation, ...form, address);
  flush();
  const { buffer, offset } = heap.locate(address);
  const bytes = new Float64Array(buffer, offset, 1)[0] as number;
  heap.free(address, 8);
  return bytes;
}

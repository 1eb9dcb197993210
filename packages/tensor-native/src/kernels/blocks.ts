// Weights in blocks of 4 or 8 bits (cc/kernels/gemm/blocks.h): a tensor of floats that has none. Products with it and rows of
// it read the blocks; whatever else asks for its elements has them unpacked, once, and kept beside.
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { backend } from '../backend.ts';
import { emit, flush, op } from '../commands.ts';
import { heap } from '../memory/heap.ts';
import type { Blocks } from '../memory/native-buffer.ts';
import { readSize } from './packed.ts';

const SIZE = op('blocks_size');
const PACK = op('pack_blocks');
const ROWS = op('block_rows');

/** A matrix [n, k] as codes: element (r, i) is scale (code − zero) + offset, of its group of consecutive i. */
export interface BlockCodes {
  shape: [number, number];
  /** Of a code as it is held. */
  bits: 4 | 8;
  /** Elements of a row that share a scale; k is a multiple. */
  group: 16 | 32;
  /** One byte each, [n, k]: 0…15 for 4 bits, signed for 8. */
  codes: Uint8Array;
  /** Subtracted from codes of 4 bits. */
  zero: number;
  /** [n, k / group]: float32, or float16 as raw bits. */
  scales: Float32Array | Uint16Array;
  /** The same of the offsets, of the scales' type; none: 0. */
  offsets?: Float32Array | Uint16Array;
}

/** A float32 tensor [n, k] that holds the codes only. The codes are copied. */
export function blockWeight(o: BlockCodes): TensorInfo {
  const [n, k] = o.shape;
  const scaleBytes = o.scales.BYTES_PER_ELEMENT;
  const bytes = readSize(SIZE, n, k, o.bits, o.group, scaleBytes, o.offsets === undefined ? 0 : 1);
  const blocks: Blocks = { n, k, address: heap.allocate(bytes), bytes };
  const inputs = [o.codes, o.scales, ...(o.offsets ? [o.offsets] : [])].map(place);
  const [codes, scales, offsets] = inputs;
  // biome-ignore format: one command on one screen
  emit(PACK, n, k, o.bits, o.group, scaleBytes, offsets?.address ?? 0, o.zero, codes?.address ?? 0, scales?.address ?? 0, blocks.address);
  flush(); // the inputs are large: they need not wait
  for (const { address, bytes: size } of inputs) heap.free(address, size);
  return backend.inBlocks([n, k], blocks);
}

/** Rows of a matrix in blocks: `count` ids at `ids` to `y`. */
export function readBlockRows(blocks: Blocks, ids: number, y: number, count: number): void {
  if (heap.observer !== undefined) heap.observer.touched(blocks.address);
  emit(ROWS, blocks.address, ids, y, count);
}

/** Bytes that a tensor's blocks take, and its floats if it has both; undefined for one of floats only. */
export function blockBytes(tensor: TensorInfo): number | undefined {
  const { blocks, address, bytes } = backend.buffer(tensor.dataId);
  return blocks && blocks.bytes + (address > 0 ? bytes : 0);
}

/** A copy in memory that commands can read. */
function place(values: Uint8Array | Uint16Array | Float32Array): { address: number; bytes: number } {
  const bytes = Math.max(1, values.byteLength);
  const address = heap.allocate(bytes, true);
  const { buffer, offset } = heap.locate(address);
  new Uint8Array(buffer, offset, values.byteLength).set(
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  );
  return { address, bytes };
}

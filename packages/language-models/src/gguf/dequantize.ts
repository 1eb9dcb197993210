// Blocks to numbers, bit by bit as ggml's reference does it (Python's gguf 0.19): every product and sum in float32.
import { blockValues, decodeBfloat16, decodeFloat16 } from '@gimbal/tensor-core';
import { blockCodes } from './codes.ts';
import type { GgufType } from './types.ts';

const plain16 = (bytes: Uint8Array): Uint16Array => {
  const raw = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < raw.length; i++) raw[i] = (bytes[2 * i] as number) | ((bytes[2 * i + 1] as number) << 8);
  return raw;
};

/**
 * The values of whole blocks.
 * @param bytes as in the file
 */
export function dequantize(bytes: Uint8Array, name: GgufType): Float32Array {
  switch (name) {
    case 'F32':
      return new Float32Array(bytes.slice().buffer);
    case 'F16':
      return decodeFloat16(plain16(bytes));
    case 'BF16':
      return decodeBfloat16(plain16(bytes));
    default: {
      const blocks = blockCodes(bytes, name);
      return blockValues({ ...blocks, shape: [1, blocks.codes.length] });
    }
  }
}

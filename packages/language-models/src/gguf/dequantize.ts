// Blocks to numbers, bit by bit as ggml's reference does it (Python's gguf 0.19): every product and sum in float32.
import { decodeBfloat16, decodeFloat16 } from '@gimbal/tensor-core';
import { type BlockType, blockType, type GgufType } from './types.ts';

const f = Math.fround;

/** The 16-bit floats at byte `at` of each block. */
function halves(bytes: Uint8Array, { bytes: stride }: BlockType, at: number): Float32Array {
  const count = bytes.length / stride;
  const raw = new Uint16Array(count);
  for (let b = 0; b < count; b++)
    raw[b] = (bytes[b * stride + at] as number) | ((bytes[b * stride + at + 1] as number) << 8);
  return decodeFloat16(raw);
}

const plain16 = (bytes: Uint8Array): Uint16Array => {
  const raw = new Uint16Array(bytes.length / 2);
  for (let i = 0; i < raw.length; i++) raw[i] = (bytes[2 * i] as number) | ((bytes[2 * i + 1] as number) << 8);
  return raw;
};

/** 32 values: low nibbles first, then the high ones; with a fifth bit each from `qh`. */
function nibbles(bytes: Uint8Array, name: 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1'): Float32Array {
  const t = blockType(name);
  const [hasMin, hasHigh] = [name.endsWith('1'), name.startsWith('Q5')];
  const d = halves(bytes, t, 0);
  const m = hasMin ? halves(bytes, t, 2) : undefined;
  const high = hasMin ? 4 : 2;
  const first = high + (hasHigh ? 4 : 0);
  const zero = hasMin ? 0 : hasHigh ? 16 : 8;
  const out = new Float32Array(d.length * 32);
  for (let b = 0; b < d.length; b++) {
    const at = b * t.bytes;
    for (let i = 0; i < 32; i++) {
      const byte = bytes[at + first + (i & 15)] as number;
      let q = i < 16 ? byte & 15 : byte >> 4;
      if (hasHigh) q |= (((bytes[at + high + (i >> 3)] as number) >> (i & 7)) & 1) << 4;
      const product = f((d[b] as number) * (q - zero));
      out[b * 32 + i] = m ? f(product + (m[b] as number)) : product;
    }
  }
  return out;
}

function q8(bytes: Uint8Array): Float32Array {
  const t = blockType('Q8_0');
  const d = halves(bytes, t, 0);
  const out = new Float32Array(d.length * 32);
  for (let b = 0; b < d.length; b++) {
    for (let i = 0; i < 32; i++) {
      const q = ((bytes[b * t.bytes + 2 + i] as number) << 24) >> 24;
      out[b * 32 + i] = (d[b] as number) * q;
    }
  }
  return out;
}

/** 256 values in eight groups, each with a 6-bit scale and minimum. */
function kNibbles(bytes: Uint8Array, name: 'Q4_K' | 'Q5_K'): Float32Array {
  const t = blockType(name);
  const [d, dmin] = [halves(bytes, t, 0), halves(bytes, t, 2)];
  const first = name === 'Q5_K' ? 48 : 16;
  const out = new Float32Array(d.length * 256);
  for (let b = 0; b < d.length; b++) {
    const at = b * t.bytes;
    const sc = (j: number): number => bytes[at + 4 + j] as number;
    for (let j = 0; j < 8; j++) {
      const s = j < 4 ? sc(j) & 63 : (sc(j + 4) & 15) | ((sc(j - 4) >> 6) << 4);
      const m = j < 4 ? sc(j + 4) & 63 : (sc(j + 4) >> 4) | ((sc(j) >> 6) << 4);
      const [scale, least] = [f((d[b] as number) * s), f((dmin[b] as number) * m)];
      for (let l = 0; l < 32; l++) {
        const byte = bytes[at + first + 32 * (j >> 1) + l] as number;
        let q = j % 2 === 0 ? byte & 15 : byte >> 4;
        if (name === 'Q5_K') q |= (((bytes[at + 16 + l] as number) >> j) & 1) << 4;
        out[b * 256 + j * 32 + l] = f(scale * q) - least;
      }
    }
  }
  return out;
}

function q6k(bytes: Uint8Array): Float32Array {
  const t = blockType('Q6_K');
  const d = halves(bytes, t, 208);
  const out = new Float32Array(d.length * 256);
  for (let b = 0; b < d.length; b++) {
    const at = b * t.bytes;
    for (let i = 0; i < 256; i++) {
      const [h, k, l] = [i >> 7, (i >> 5) & 3, i & 31];
      const low = bytes[at + 64 * h + 32 * (k & 1) + l] as number;
      const q = (k < 2 ? low & 15 : low >> 4) | ((((bytes[at + 128 + 32 * h + l] as number) >> (2 * k)) & 3) << 4);
      const scale = ((bytes[at + 192 + (i >> 4)] as number) << 24) >> 24;
      out[b * 256 + i] = f((d[b] as number) * scale) * (q - 32);
    }
  }
  return out;
}

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
    case 'Q8_0':
      return q8(bytes);
    case 'Q4_K':
    case 'Q5_K':
      return kNibbles(bytes, name);
    case 'Q6_K':
      return q6k(bytes);
    default:
      return nibbles(bytes, name);
  }
}

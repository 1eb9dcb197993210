// Blocks to codes, scales and offsets, as ggml's reference reads them (Python's gguf 0.19). Scales of the plain types stay
// float16; those of the K types are products, rounded to float32.
import type { BlockWeight } from '@gimbal/tensor-core';
import { decodeFloat16 } from '@gimbal/tensor-core';
import { type BlockType, blockType, type GgufType } from './types.ts';

/** Types whose values are codes. */
export type CodedType = Exclude<GgufType, 'F32' | 'F16' | 'BF16'>;

export const isCoded = (name: GgufType): name is CodedType => name !== 'F32' && name !== 'F16' && name !== 'BF16';

/** A run of blocks: a BlockWeight without its shape. */
export type BlockCodes = Omit<BlockWeight, 'shape'>;

const f = Math.fround;

/** The 16-bit words at byte `at` of each block. */
function words(bytes: Uint8Array, { bytes: stride }: BlockType, at: number): Uint16Array {
  const out = new Uint16Array(bytes.length / stride);
  for (let b = 0; b < out.length; b++)
    out[b] = (bytes[b * stride + at] as number) | ((bytes[b * stride + at + 1] as number) << 8);
  return out;
}

/** 32 values: low nibbles first, then the high ones; with a fifth bit each from `qh`. */
function nibbles(bytes: Uint8Array, name: 'Q4_0' | 'Q4_1' | 'Q5_0' | 'Q5_1'): BlockCodes {
  const t = blockType(name);
  const [hasMin, hasHigh] = [name.endsWith('1'), name.startsWith('Q5')];
  const high = hasMin ? 4 : 2;
  const first = high + (hasHigh ? 4 : 0);
  const middle = hasHigh && !hasMin ? 16 : 0; // codes of 8 bits are signed
  const blocks = bytes.length / t.bytes;
  const codes = new Uint8Array(blocks * 32);
  for (let b = 0; b < blocks; b++) {
    const at = b * t.bytes;
    for (let i = 0; i < 16; i++) {
      const byte = bytes[at + first + i] as number;
      codes[b * 32 + i] = byte & 15;
      codes[b * 32 + i + 16] = byte >> 4;
    }
    if (!hasHigh) continue;
    for (let i = 0; i < 32; i++) {
      const bit = ((bytes[at + high + (i >> 3)] as number) >> (i & 7)) & 1;
      codes[b * 32 + i] = ((codes[b * 32 + i] as number) | (bit << 4)) - middle;
    }
  }
  return {
    bits: hasHigh ? 8 : 4,
    group: 32,
    codes,
    zero: name === 'Q4_0' ? 8 : 0,
    scales: words(bytes, t, 0),
    ...(hasMin && { offsets: words(bytes, t, 2) }),
  };
}

function q8(bytes: Uint8Array): BlockCodes {
  const t = blockType('Q8_0');
  const blocks = bytes.length / t.bytes;
  const codes = new Uint8Array(blocks * 32);
  for (let b = 0; b < blocks; b++) codes.set(bytes.subarray(b * t.bytes + 2, (b + 1) * t.bytes), b * 32);
  return { bits: 8, group: 32, codes, zero: 0, scales: words(bytes, t, 0) };
}

/** 256 values in eight groups, each with a 6-bit scale and minimum. */
function kNibbles(bytes: Uint8Array, name: 'Q4_K' | 'Q5_K'): BlockCodes {
  const t = blockType(name);
  const [d, dmin] = [decodeFloat16(words(bytes, t, 0)), decodeFloat16(words(bytes, t, 2))];
  const first = name === 'Q5_K' ? 48 : 16;
  const codes = new Uint8Array(d.length * 256);
  const [scales, offsets] = [new Float32Array(d.length * 8), new Float32Array(d.length * 8)];
  for (let b = 0; b < d.length; b++) {
    const at = b * t.bytes;
    const sc = (j: number): number => bytes[at + 4 + j] as number;
    for (let j = 0; j < 8; j++) {
      const s = j < 4 ? sc(j) & 63 : (sc(j + 4) & 15) | ((sc(j - 4) >> 6) << 4);
      const m = j < 4 ? sc(j + 4) & 63 : (sc(j + 4) >> 4) | ((sc(j) >> 6) << 4);
      scales[b * 8 + j] = (d[b] as number) * s;
      offsets[b * 8 + j] = -f((dmin[b] as number) * m);
      for (let l = 0; l < 32; l++) {
        const byte = bytes[at + first + 32 * (j >> 1) + l] as number;
        let q = j % 2 === 0 ? byte & 15 : byte >> 4;
        if (name === 'Q5_K') q |= (((bytes[at + 16 + l] as number) >> j) & 1) << 4;
        codes[b * 256 + j * 32 + l] = q;
      }
    }
  }
  return { bits: name === 'Q4_K' ? 4 : 8, group: 32, codes, zero: 0, scales, offsets };
}

function q6k(bytes: Uint8Array): BlockCodes {
  const t = blockType('Q6_K');
  const d = decodeFloat16(words(bytes, t, 208));
  const codes = new Uint8Array(d.length * 256);
  const scales = new Float32Array(d.length * 16);
  for (let b = 0; b < d.length; b++) {
    const at = b * t.bytes;
    for (let g = 0; g < 16; g++)
      scales[b * 16 + g] = (d[b] as number) * (((bytes[at + 192 + g] as number) << 24) >> 24);
    for (let i = 0; i < 256; i++) {
      const [h, k, l] = [i >> 7, (i >> 5) & 3, i & 31];
      const low = bytes[at + 64 * h + 32 * (k & 1) + l] as number;
      const q = (k < 2 ? low & 15 : low >> 4) | ((((bytes[at + 128 + 32 * h + l] as number) >> (2 * k)) & 3) << 4);
      codes[b * 256 + i] = q - 32;
    }
  }
  return { bits: 8, group: 16, codes, zero: 0, scales };
}

/**
 * The codes of whole blocks.
 * @param bytes as in the file
 */
export function blockCodes(bytes: Uint8Array, name: CodedType): BlockCodes {
  switch (name) {
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

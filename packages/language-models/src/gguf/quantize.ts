// Numbers to blocks, bit by bit as ggml's reference does it (Python's gguf 0.19): every step in float32.
import { ConfigError, encodeFloat16 } from '@gimbal/tensor-core';
import { blockType, type GgufType } from './types.ts';

/** Types that are written. */
export type WrittenType = Extract<GgufType, 'F32' | 'F16' | 'Q8_0' | 'Q4_0'>;

const f = Math.fround;

const put16 = (out: Uint8Array, at: number, half: number): void => {
  out[at] = half & 255;
  out[at + 1] = half >> 8;
};

/**
 * The blocks of values, whose number is a multiple of the block's size.
 * @throws ConfigError for another number
 */
export function quantize(values: Float32Array, name: WrittenType): Uint8Array {
  const { size, bytes: stride } = blockType(name);
  if (values.length % size !== 0) {
    const wanted = `a multiple of ${size}`;
    throw new ConfigError({
      where: `quantize ${name}`,
      what: 'the values do not fill whole blocks',
      got: values.length,
      wanted,
    });
  }
  if (name === 'F32') return new Uint8Array(values.slice().buffer);
  if (name === 'F16') return new Uint8Array(encodeFloat16(values).buffer);
  const blocks = values.length / size;
  const out = new Uint8Array(blocks * stride);
  const scales = new Float32Array(blocks);
  for (let b = 0; b < blocks; b++) {
    const w = values.subarray(b * size, (b + 1) * size);
    const at = b * stride + 2;
    let largest = 0; // of largest magnitude, with its sign
    for (const x of w) if (Math.abs(x) > Math.abs(largest)) largest = x;
    const d = name === 'Q8_0' ? f(Math.abs(largest) / 127) : f(largest / -8);
    const r = d === 0 ? 0 : f(1 / d);
    scales[b] = d;
    for (let i = 0; i < size; i++) {
      const x = f((w[i] as number) * r);
      if (name === 'Q8_0') {
        // half away from zero
        out[at + i] = Math.sign(x) * Math.floor(Math.abs(x) + 0.5);
      } else {
        const q = Math.max(0, Math.min(15, Math.trunc(f(x + 8.5))));
        const place = at + (i & 15);
        out[place] = (out[place] as number) | (i < 16 ? q : q << 4);
      }
    }
  }
  const halves = encodeFloat16(scales);
  halves.forEach((half, b) => {
    put16(out, b * stride, half);
  });
  return out;
}

/**
 * 16-bit floats. JavaScript has no such arrays on Node 20, so both formats travel as the bits in a `Uint16Array`.
 * Rounding is to nearest, ties to even, as the hardware and PyTorch do; NaN stays NaN and keeps its sign.
 */

const scratchFloat = new Float32Array(1);
const scratchBits = new Uint32Array(scratchFloat.buffer);

/** The upper half of a float32: 8 exponent and 7 mantissa bits. */
export function encodeBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) {
    const u = bits[i] as number;
    // a NaN whose payload sits in the lower half would round to infinity (or overflow the exponent): write a quiet one
    if ((u & 0x7fffffff) > 0x7f800000) out[i] = ((u >>> 16) & 0x8000) | 0x7fc0;
    else out[i] = (u + 0x7fff + ((u >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** Exact: every bfloat16 is a float32. @param out what is filled, of the same length; default a new array */
export function decodeBfloat16(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < words.length; i++) words[i] = (bits[i] as number) << 16;
  return out;
}

/** IEEE binary16: 5 exponent and 10 mantissa bits; beyond ±65504 infinity, below 2⁻²⁵ zero. */
export function encodeFloat16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = toHalf(values[i] as number);
  return out;
}

/** Exact: every float16 is a float32. @param out what is filled, of the same length; default a new array */
export function decodeFloat16(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  halfTable ??= buildHalfTable();
  for (let i = 0; i < out.length; i++) out[i] = halfTable[bits[i] as number] as number;
  return out;
}

/** All 65,536 values (256 KiB), built at first use: four times as fast as decoding the fields. */
let halfTable: Float32Array | undefined;

function buildHalfTable(): Float32Array {
  const table = new Float32Array(65536);
  const bits = new Uint32Array(table.buffer);
  for (let h = 0; h < 65536; h++) {
    const sign = (h & 0x8000) << 16;
    const exponent = (h >> 10) & 31;
    const mantissa = h & 0x3ff;
    if (exponent === 0) {
      table[h] = mantissa * 2 ** -24; // subnormal
      bits[h] = (bits[h] as number) | sign;
    } else if (exponent === 31) bits[h] = sign | 0x7f800000 | (mantissa << 13);
    else bits[h] = sign | ((exponent + 112) << 23) | (mantissa << 13);
  }
  return table;
}

function toHalf(value: number): number {
  scratchFloat[0] = value;
  const u = scratchBits[0] as number;
  const sign = (u >>> 16) & 0x8000;
  const magnitude = u & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // ≥ 65536, infinity included
  if (magnitude >= 0x38800000) {
    // normal (≥ 2⁻¹⁴): move the exponent's bias from 127 to 15, then round the 13 bits that go; a carry out of the
    // mantissa raises the exponent, and out of the largest exponent gives infinity, both as they should
    const shifted = magnitude - 0x38000000;
    return sign | ((shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13);
  }
  // subnormal: the value in units of 2⁻²⁴, rounded half to even
  const units = Math.abs(value) * 2 ** 24;
  const below = Math.floor(units);
  const rest = units - below;
  return sign | (rest > 0.5 || (rest === 0.5 && (below & 1) === 1) ? below + 1 : below);
}

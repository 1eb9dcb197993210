import { readFileSync } from 'node:fs';
import { decodeBfloat16, decodeFloat16, encodeBfloat16, encodeFloat16 } from './half.ts';

const golden = JSON.parse(
  readFileSync(new URL('../../test/golden/safetensors/half.json', import.meta.url), 'utf8'),
) as Record<'float32' | 'bfloat16' | 'float16', number[]>;
const floats = (bits: readonly number[]): Float32Array => new Float32Array(Uint32Array.from(bits).buffer);
const bits = (values: Float32Array): number[] => [...new Uint32Array(values.buffer, values.byteOffset, values.length)];
const hex = (words: Iterable<number>): string[] => [...words].map((w) => w.toString(16).padStart(4, '0').toUpperCase());
const isNan16 = (word: number, exponent: number): boolean => (word & 0x7fff) > exponent;

test('bfloat16 rounds to nearest even, saturates to infinity, and keeps the sign of NaN', () => {
  const input = [0x7f7fffff, 0x3f808000, 0x3f818000, 0x00000001, 0x80000000];
  expect(hex(encodeBfloat16(floats(input)))).toEqual(['7F80', '3F80', '3F82', '0000', '8000']);
  const nans = [...encodeBfloat16(floats([0x7f800001, 0xff800001]))];
  expect(nans.every((w) => isNan16(w, 0x7f80))).toBe(true);
  expect(nans.map((w) => w >>> 15)).toEqual([0, 1]);
  const values = Float32Array.of(1, 0.1, 65504, 1.00390625, 1.01171875, Math.PI);
  expect(hex(encodeBfloat16(values))).toEqual(['3F80', '3DCD', '4780', '3F80', '3F82', '4049']);
});

test('float16 handles subnormals and overflow', () => {
  expect(hex(encodeFloat16(Float32Array.of(0.1, 65504, 6e-8, 65520, -1e9, -0)))).toEqual([
    '2E66',
    '7BFF',
    '0001',
    '7C00',
    'FC00',
    '8000',
  ]);
});

test.each([
  ['bfloat16', encodeBfloat16, 0x7f80],
  ['float16', encodeFloat16, 0x7c00],
] as const)('%s rounds 800 bit patterns as PyTorch does', (name, encode, infinity) => {
  const ours = [...encode(floats(golden.float32))];
  const theirs = golden[name];
  const different = ours.flatMap((w, i) => {
    const wanted = theirs[i] ?? -1;
    // any NaN will do, with the input's sign
    const same = isNan16(wanted, infinity)
      ? isNan16(w, infinity) && w >>> 15 === (golden.float32[i] ?? 0) >>> 31
      : w === wanted;
    return same ? [] : [{ input: golden.float32[i]?.toString(16), w, wanted }];
  });
  expect(different).toEqual([]);
});

test('every 16-bit pattern survives decoding and encoding', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  for (const [decode, encode, infinity] of [
    [decodeBfloat16, encodeBfloat16, 0x7f80],
    [decodeFloat16, encodeFloat16, 0x7c00],
  ] as const) {
    const back = encode(decode(all));
    expect([...all].filter((w) => !isNan16(w, infinity) && back[w] !== w)).toEqual([]);
    expect([...all].filter((w) => isNan16(w, infinity) && !isNan16(back[w] ?? 0, infinity))).toEqual([]);
  }
  expect(bits(decodeFloat16(Uint16Array.of(0x3c00, 0x0001, 0x8000, 0x7c00)))).toEqual(
    bits(Float32Array.of(1, 2 ** -24, -0, Number.POSITIVE_INFINITY)),
  );
});

import { engine, mul, type Tensor, type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import {
  type BlockWeight,
  backendExtensions,
  blockValues,
  blockWeight,
  captureStep,
  decodeFloat16,
  embedding,
  encodeFloat16,
  heldBytes,
  linear,
  packWeights,
  rng,
  useBackend,
  withPrecision,
} from '../index.ts';

const numbers = (t: Tensor): number[] => [...t.dataSync<'float32'>()];

/** The largest difference. */
const apart = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length ? a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number))), 0) : Number.NaN;

interface Form {
  bits: 4 | 8;
  group: 16 | 32;
  halves: boolean;
  offsets: boolean;
  zero: number;
}

/** Codes drawn at random, of every value that the type holds. */
function draw(n: number, k: number, { bits, group, halves, offsets, zero }: Form, seed = 1): BlockWeight {
  const stream = rng(seed);
  const codes = Uint8Array.from({ length: n * k }, () => stream.int(bits === 4 ? 16 : 256));
  const scales = (): Float32Array | Uint16Array => {
    const values = Float32Array.from({ length: (n * k) / group }, () => stream.normal() / 64);
    return halves ? encodeFloat16(values) : values;
  };
  return { shape: [n, k], bits, group, codes, zero, scales: scales(), ...(offsets && { offsets: scales() }) };
}

/** x Wᵀ in float64, and what float32 may be off by. */
function product(x: readonly number[], w: BlockWeight): { y: number[]; size: number } {
  const [[n, k], values] = [w.shape, blockValues(w)];
  const y: number[] = [];
  let size = 0;
  for (let row = 0; row < x.length / k; row++)
    for (let o = 0; o < n; o++) {
      let [sum, magnitude] = [0, 0];
      for (let i = 0; i < k; i++) {
        const term = (x[row * k + i] as number) * (values[o * k + i] as number);
        sum += term;
        magnitude += Math.abs(term);
      }
      y.push(sum);
      size = Math.max(size, magnitude);
    }
  return { y, size };
}

const forms: [string, Form][] = [
  ['Q4_0', { bits: 4, group: 32, halves: true, offsets: false, zero: 8 }],
  ['Q4_1', { bits: 4, group: 32, halves: true, offsets: true, zero: 0 }],
  ['Q4_K', { bits: 4, group: 32, halves: false, offsets: true, zero: 0 }],
  ['Q8_0', { bits: 8, group: 32, halves: true, offsets: false, zero: 0 }],
  ['Q5_1', { bits: 8, group: 32, halves: true, offsets: true, zero: 0 }],
  ['Q6_K', { bits: 8, group: 16, halves: false, offsets: false, zero: 0 }],
];

const { name } = await useBackend();
const holdsBlocks = backendExtensions() !== undefined;
const onBlocks = holdsBlocks ? test : test.skip;
if (!holdsBlocks) console.warn(`skipped: ${name} holds weights as floats, not as blocks`);
beforeEach(() => engine().startScope());
afterEach(() => engine().endScope());

test.each(forms)('the values of %s are scale (code − zero) + offset, rounded after each step', (_, form) => {
  const w = draw(3, 64, form);
  const floats = (x: Float32Array | Uint16Array): Float32Array => (x instanceof Float32Array ? x : decodeFloat16(x));
  const [scales, offsets] = [floats(w.scales), w.offsets && floats(w.offsets)];
  blockValues(w).forEach((value, i) => {
    const code = form.bits === 8 ? ((w.codes[i] as number) << 24) >> 24 : (w.codes[i] as number) - form.zero;
    const group = Math.floor(i / form.group);
    const product = Math.fround((scales[group] as number) * code);
    expect(value).toBe(offsets ? Math.fround(product + (offsets[group] as number)) : product);
  });
});

describe.each(forms)('%s', (_, form) => {
  // panels of 16 rows: whole, one more, fewer; rows of x that are read as they are, and more
  test.each([
    [1, 48, 64],
    [2, 17, 32],
    [3, 5, 96],
    [4, 80, 160],
    [5, 33, 64],
    [7, 16, 32],
    [8, 100, 224],
    [9, 100, 224],
    [33, 70, 416],
    [70, 130, 64],
  ])('%i rows times [%i, %i]', (rows, n, k) => {
    const codes = draw(n, k, form, rows);
    const x = rng(7).normalTensor([rows, k]) as Tensor2D;
    const w = blockWeight(codes);
    const bias = rng(8).normalTensor([n]);
    const y = linear(x, w, { weightLayout: 'out-in' });
    const { y: wanted, size } = product(numbers(x), codes);
    expect(apart(numbers(y), wanted)).toBeLessThanOrEqual(1e-6 * size);
    const activated = linear(x, w, { weightLayout: 'out-in', bias: bias as never, activation: 'silu' });
    const floats = tensor2d(blockValues(codes), [n, k]);
    const same = linear(x, floats, { weightLayout: 'out-in', bias: bias as never, activation: 'silu' });
    expect(apart(numbers(activated), numbers(same))).toBeLessThanOrEqual(2e-6 * size);
  });

  test('rows by number, and the whole as floats', () => {
    const codes = draw(37, 64, form);
    const values = [...blockValues(codes)];
    const w = blockWeight(codes);
    // a fused multiply-add rounds once where float32 scales have offsets
    const near = (got: number[], wanted: number[]): void => {
      expect(apart(got, wanted)).toBeLessThanOrEqual(form.halves ? 0 : 2 ** -24);
    };
    const picked = [0, 36, 15, 16, 36, 5];
    const rows = embedding(tensor2d(picked, [2, 3], 'int32'), w);
    near(
      numbers(rows),
      picked.flatMap((r) => values.slice(r * 64, (r + 1) * 64)),
    );
    const halved = mul(w, 0.5) as Tensor2D;
    near(
      numbers(halved),
      values.map((v) => v / 2),
    );
    near(numbers(w), values);
    const outside = (): number[] => numbers(embedding(tensor2d([-1, 37], [1, 2], 'int32'), w));
    if (holdsBlocks) expect(outside().every(Number.isNaN)).toBe(true);
    else expect(outside).toThrow(/index value -1 is not in/);
  });
});

onBlocks('held are the codes, until something asks for floats', () => {
  const codes = draw(64, 256, (forms[1] as [string, Form])[1]);
  const w = blockWeight(codes);
  const x = rng(1).normalTensor([2, 256]) as Tensor2D;
  const y = linear(x, w, { weightLayout: 'out-in' });
  const before = numbers(y);
  expect(heldBytes({ w })).toBe(64 + 64 * 256 * (20 / 32)); // a header, and what a file holds
  using packed = packWeights({ w }, { layout: 'out-in' });
  expect(packed.count).toBe(1);
  expect(heldBytes({ w })).toBe(64 + 64 * 256 * (20 / 32));
  const twice = mul(w, 2);
  expect(heldBytes({ w })).toBe(64 + 64 * 256 * (20 / 32) + 64 * 256 * 4);
  // written in place, the codes are stale
  backendExtensions()?.overwrite(w, twice.dataSync());
  expect(heldBytes({ w })).toBe(64 * 256 * 4);
  const after = linear(x, w, { weightLayout: 'out-in' });
  numbers(after).forEach((value, i) => {
    expect(value).toBeCloseTo(2 * (before[i] as number), 3);
  });
});

test('a captured step reads blocks, in bf16 as well', () => {
  const codes = draw(96, 64, (forms[0] as [string, Form])[1]);
  const w = blockWeight(codes);
  using step = captureStep(({ x }) => ({ y: linear(x as Tensor2D, w, { weightLayout: 'out-in' }) }));
  for (let i = 0; i < 4; i++) {
    const x = rng(i).normalTensor([1, 64]) as Tensor2D;
    const run = (): number[] => numbers(step.run({ x }).y as Tensor);
    const { y, size } = product(numbers(x), codes);
    const got = backendExtensions()?.bf16 && i === 3 ? withPrecision('bf16', run) : run();
    expect(apart(got, y)).toBeLessThanOrEqual(1e-6 * size);
  }
});

test('what does not fit is refused', () => {
  const good = draw(2, 32, (forms[1] as [string, Form])[1]);
  const refused = (change: Partial<BlockWeight>): unknown => {
    try {
      blockWeight({ ...good, ...change }).dispose();
    } catch (error) {
      return (error as { what?: string }).what;
    }
    return undefined;
  };
  expect(refused({ bits: 5 as never })).toBe('bad bits');
  expect(refused({ group: 64 as never })).toBe('bad group');
  expect(refused({ shape: [2, 40] })).toBe('rows do not fill whole groups');
  expect(refused({ codes: new Uint8Array(63) })).toBe('codes do not fit the shape');
  expect(refused({ bits: 8, zero: 8 })).toBe('codes of 8 bits are signed');
  expect(refused({ scales: new Uint16Array(3) })).toBe('scales do not fit the shape');
  expect(refused({ offsets: new Uint16Array(3) })).toBe('offsets do not fit the shape');
  expect(refused({ offsets: new Float32Array(2) })).toBe('offsets are of another type than scales');
  expect(refused({})).toBeUndefined();
});

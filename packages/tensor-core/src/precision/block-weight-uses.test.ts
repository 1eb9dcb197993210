// Uses of weights in blocks that their kernels do not read, and arguments that cannot be.
import {
  concat,
  engine,
  gather,
  grad,
  matMul,
  reshape,
  slice,
  square,
  sum,
  type Tensor,
  type Tensor2D,
  tensor1d,
  tensor2d,
  transpose,
} from '@tensorflow/tfjs-core';
import {
  type BlockWeight,
  backendExtensions,
  blockValues,
  blockWeight,
  embedding,
  encodeFloat16,
  heldBytes,
  linear,
  rng,
  useBackend,
} from '../index.ts';

const numbers = (t: Tensor): number[] => [...t.dataSync<'float32'>()];

function draw(n: number, k: number): BlockWeight {
  const stream = rng(1);
  const codes = Uint8Array.from({ length: n * k }, () => stream.int(16));
  const scales = encodeFloat16(Float32Array.from({ length: (n * k) / 32 }, () => stream.normal() / 16));
  return { shape: [n, k], bits: 4, group: 32, codes, zero: 8, scales };
}

const { name } = await useBackend();
const holdsBlocks = backendExtensions() !== undefined;
const onBlocks = holdsBlocks ? test : test.skip;
if (!holdsBlocks) console.warn(`skipped: ${name} holds weights as floats, not as blocks`);
beforeEach(() => engine().startScope());
afterEach(() => engine().endScope());

test.each([1, 3, 8, 9])('a left operand stored the other way round, %i rows', (rows) => {
  const codes = draw(48, 64);
  const x = rng(3).normalTensor([64, rows]) as Tensor2D;
  const got = numbers(matMul(x, blockWeight(codes), true, true));
  const wanted = numbers(matMul(x, tensor2d(blockValues(codes), [48, 64]), true, true));
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i] as number, 4);
  });
});

test.each([
  [96, 32],
  [24, 128],
])('rows of the same storage as [%i, %i]', (n, k) => {
  const codes = draw(48, 64);
  const ids = tensor2d([0, n - 1, 7, 8], [2, 2], 'int32');
  const rows = embedding(ids, reshape(blockWeight(codes), [n, k]) as Tensor2D);
  const wanted = numbers(embedding(ids, tensor2d(blockValues(codes), [n, k])));
  expect(numbers(rows).map((value, i) => value - (wanted[i] as number))).toEqual(wanted.map(() => 0));
});

onBlocks('what stands for the codes changes when they go', () => {
  const backend = backendExtensions() as NonNullable<ReturnType<typeof backendExtensions>>;
  const w = blockWeight(draw(48, 64));
  const before = backend.packedCopies(w);
  expect(before).toBeDefined();
  expect(backend.packedCopies(w)).toBe(before);
  backend.overwrite(w, new Float32Array(48 * 64));
  expect(backend.packedCopies(w)).toBeUndefined();
});

const good = draw(4, 32);
test.each<[string, unknown, RegExp]>([
  ['no object', null, /blockWeight: the options are no object/],
  ['part of a row', { ...good, shape: [1.5, 64], codes: new Uint8Array(96), scales: new Uint16Array(3) }, /bad shape/],
  ['three dimensions', { ...good, shape: [4, 32, 1] }, /bad shape/],
  ['a list of codes', { ...good, codes: [...good.codes] }, /codes of another type; got "?Array/],
  ['wider codes', { ...good, codes: new Uint16Array(128) }, /codes of another type/],
  ['a code of 5 bits', { ...good, codes: good.codes.map(() => 16) }, /beyond 4 bits; got 16/],
  ['no zero', { ...good, zero: undefined }, /bad zero/],
  ['half a zero', { ...good, zero: 8.5 }, /bad zero; got 8\.5/],
  ['a list of scales', { ...good, scales: [1, 1, 1, 1] }, /of another type; got "?Array/],
  ['scales of 64 bits', { ...good, scales: new Float64Array(4) }, /of another type/],
  ['an infinite scale', { ...good, scales: Uint16Array.of(0, 0, 0x7c00, 0) }, /scale or offset 2 is no finite number/],
  ['NaN offsets', { ...good, offsets: Uint16Array.of(0x7e00, 0, 0, 0) }, /scale or offset 0 is no finite number/],
])('%s is refused', (_, o, message) => {
  expect(() => blockWeight(o as BlockWeight)).toThrow(message);
});

test('bytes of a disposed tensor are refused', () => {
  const w = blockWeight(good);
  w.dispose();
  expect(() => heldBytes({ w })).toThrow(/heldBytes: w was disposed/);
});

// each asks for floats where a command is being put together
test.each<[string, (w: Tensor2D, x: Tensor2D) => Tensor]>([
  ['the input’s gradient', (w, x) => grad((y) => sum(linear(y as Tensor2D, w, { weightLayout: 'out-in' })))(x)],
  [
    'the weight’s gradient',
    (w, x) => grad((v) => sum(square(linear(x, v as Tensor2D, { weightLayout: 'out-in' }))))(w),
  ],
  [
    'a table’s gradient',
    (w) => grad((v) => sum(square(embedding(tensor2d([1, 2], [1, 2], 'int32'), v as Tensor2D))))(w),
  ],
  ['gather', (w) => gather(w, tensor1d([0, 5], 'int32'))],
  ['transpose', (w) => transpose(w)],
  ['slice', (w) => slice(w, [1, 1], [3, 3])],
  ['concat', (w) => concat([w, w])],
  ['its product with itself', (w) => matMul(w, w, true)],
])('%s', (_, f) => {
  const codes = draw(48, 64);
  const x = rng(3).normalTensor([5, 64]) as Tensor2D;
  const got = numbers(f(blockWeight(codes), x));
  const wanted = numbers(f(tensor2d(blockValues(codes), [48, 64]), x));
  expect(got).toHaveLength(wanted.length);
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i] as number, 3);
  });
});

// Products that wasm computes in another form than it is asked for: the numbers of the cpu backend, and nothing left over.
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../index.ts';

const [m, k, n] = [37, 29, 41];
type Row = [name: string, a: number[], b: number[], transposeA: boolean, transposeB: boolean];
const rows: Row[] = [
  ['plain', [m, k], [k, n], false, false],
  ['a transposed', [k, m], [k, n], true, false],
  ['b transposed', [m, k], [n, k], false, true],
  ['both transposed', [k, m], [n, k], true, true],
  ['a batch by one matrix', [3, 5, m, k], [k, n], false, false],
  ['a batch by one matrix in a batch of one', [3, m, k], [1, n, k], false, true],
  ['a transposed batch by one matrix', [3, k, m], [1, k, n], true, false],
  ['one matrix by a batch', [1, k, m], [3, k, n], true, false],
  ['two batches', [3, m, k], [3, n, k], false, true],
  ['a row by a column', [1, 3 * m * k], [1, 3 * m * k], false, true],
  ['too small to be turned', [3, 2], [3, 4], true, false],
];

const values = (shape: number[], seed: number): Float32Array =>
  Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(seed + i * 1.7));
const product = ([, a, b, transposeA, transposeB]: Row): { shape: number[]; values: number[] } =>
  tf.tidy(() => {
    const out = tf.matMul(tf.tensor(values(a, 1), a), tf.tensor(values(b, 2), b), transposeA, transposeB);
    return { shape: out.shape, values: [...out.dataSync()] };
  });

test.each(rows)('%s', async (...row) => {
  await useBackend('cpu');
  const wanted = product(row);
  await useBackend('wasm');
  const before = [tf.memory().numTensors, tf.engine().backend.numDataIds()];
  const got = product(row);
  expect([tf.memory().numTensors, tf.engine().backend.numDataIds()]).toEqual(before);
  expect(got.shape).toEqual(wanted.shape);
  for (const [i, value] of got.values.entries()) {
    const reference = wanted.values[i] as number;
    expect(Math.abs(value - reference)).toBeLessThan(1e-5 * (1 + Math.abs(reference)));
  }
});

type Product = (w: tf.Tensor) => tf.Tensor;
const by = (a: number[], shape: number[], ...transposed: boolean[]): Product => {
  return (w) => tf.matMul(tf.tensor(values(a, 1), a), tf.reshape(w, shape), ...transposed);
};
test.each<[string, number[], Product, Product]>([
  ['plain, then by a transposed one', [40, 60], by([50, 40], [40, 60]), by([30, 50], [30, 80], true)],
  ['plain in both shapes', [40, 60], by([50, 40], [40, 60]), by([50, 30], [30, 80])],
  ['by transposed ones in both shapes', [64, 32], by([64, 50], [64, 32], true), by([32, 50], [32, 64], true)],
  ['of a batch in both shapes', [60, 40], by([2, 25, 60], [1, 60, 40]), by([2, 25, 80], [1, 80, 30])],
  ['a row, then a column', [1, 900], by([40, 900], [1, 900], false, true), by([40, 1], [1, 900])],
  [
    'fused, then plain',
    [40, 60],
    (w) => tf.fused.matMul({ a: tf.ones([50, 40]), b: w as tf.Tensor2D }),
    by([50, 30], [30, 80]),
  ],
])('one array as a right factor of two shapes: %s', async (_, shape, first, second) => {
  const both = (): Float32Array[] =>
    tf.tidy(() => {
      const w = tf.tensor(values(shape, 2), shape);
      return [first(w), second(w), first(w)].map((out) => out.dataSync<'float32'>());
    });
  await useBackend('cpu');
  const wanted = both();
  await useBackend('wasm');
  const before = tf.engine().backend.numDataIds();
  for (const [i, got] of both().entries())
    for (const [j, value] of got.entries()) {
      const reference = wanted[i]?.[j] as number;
      expect(Math.abs(value - reference)).toBeLessThan(1e-5 * (1 + Math.abs(reference)));
    }
  expect(tf.engine().backend.numDataIds()).toBe(before);
});

test('whole numbers are refused as ever, and leave nothing behind', async () => {
  await useBackend('wasm');
  const w = tf.ones([40, 40], 'int32');
  const before = tf.engine().backend.numDataIds();
  expect(() => tf.tidy(() => tf.matMul(w, w, true))).toThrow();
  expect(tf.engine().backend.numDataIds()).toBe(before);
  w.dispose();
});

test('NaN and infinity go through a product that is turned first', async () => {
  await useBackend('wasm');
  const a = values([k, m], 1);
  a[0] = Number.NaN; // row 0 of aᵀ
  a[1] = Number.POSITIVE_INFINITY; // row 1
  const out = tf.tidy(() => tf.matMul(tf.tensor(a, [k, m]), tf.ones([k, n]), true).arraySync() as number[][]);
  expect(out[0]).toEqual(new Array(n).fill(Number.NaN));
  expect(out[1]).toEqual(new Array(n).fill(Number.POSITIVE_INFINITY));
  expect(out[2]?.every(Number.isFinite)).toBe(true);
});

test('factors that do not fit are refused as ever', async () => {
  await useBackend('wasm');
  expect(() => tf.matMul(tf.ones([40, 40]), tf.ones([41, 40]))).toThrow(/inner shapes/);
});

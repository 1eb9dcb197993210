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

// The kernels that stand in for those of webgpu, on the cpu backend: few machines that test have a graphics card.
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../index.ts';
import { backwardsByTurning, castByProduct, firstExtreme, withEmptyOperands } from './webgpu-kernels.ts';

beforeAll(() => useBackend('cpu'));

const call = (kernel: tf.KernelFunc, inputs: object, attrs: object): tf.TensorInfo =>
  kernel({
    inputs: inputs as tf.NamedTensorInfoMap,
    attrs: attrs as tf.NamedAttrMap,
    backend: tf.backend(),
  }) as tf.TensorInfo;
const read = ({ dataId }: tf.TensorInfo): number[] => [...(tf.backend().readSync(dataId) as Float32Array)];

test('of equal elements the first counts, along any axis, in any type', () => {
  const x = tf.tensor2d([
    [1, 3, 3],
    [2, 0, 3],
    [2, 0, 1],
  ]);
  expect(read(call(firstExtreme(tf.max), { x }, { axis: 1 }))).toEqual([1, 2, 0]);
  expect(read(call(firstExtreme(tf.max), { x }, { axis: 0 }))).toEqual([1, 0, 0]);
  const least = call(firstExtreme(tf.min), { x: tf.cast(x, 'int32') }, { axis: -1 });
  expect(least).toMatchObject({ shape: [3], dtype: 'int32' });
  expect(read(least)).toEqual([0, 1, 1]);
});

test('NaN is passed over; among nothing else the position is 0', () => {
  const [nan, inf] = [Number.NaN, Number.POSITIVE_INFINITY];
  const x = tf.tensor2d([
    [nan, 3, nan, 4],
    [nan, -inf, inf, inf],
    [nan, -inf, -inf, nan],
    [nan, nan, nan, nan],
  ]);
  expect(read(call(firstExtreme(tf.max), { x }, { axis: 1 }))).toEqual([3, 2, 1, 0]);
  expect(read(call(firstExtreme(tf.min), { x }, { axis: 1 }))).toEqual([1, 1, 1, 0]);
});

test('truth values and whole numbers become float32 by a product, nothing else does', () => {
  const { kernelFunc: multiply } = tf.getKernel('Multiply', 'cpu');
  const cast = castByProduct(() => ({ dataId: {}, shape: [], dtype: 'complex64' }), multiply);
  const out = call(cast, { x: tf.tensor([true, false], [2], 'bool') }, { dtype: 'float32' });
  expect(out).toMatchObject({ shape: [2], dtype: 'float32' });
  expect(read(out)).toEqual([1, 0]);
  expect(read(call(cast, { x: tf.tensor([-7], [1], 'int32') }, { dtype: 'float32' }))).toEqual([-7]);
  for (const [x, dtype] of [
    [tf.tensor([1.5]), 'int32'],
    [tf.tensor([1.5]), 'float32'],
    [tf.zeros([0], 'int32'), 'float32'],
  ] as const)
    expect(call(cast, { x }, { dtype }).dtype).toBe('complex64');
});

test('scans from the end', () => {
  const x = tf.tensor2d([[1, 2, 3]]);
  const never = (): tf.TensorInfo => {
    throw new Error('asked');
  };
  const attrs = { axis: 1, exclusive: false, reverse: true };
  expect(read(call(backwardsByTurning(never, tf.cumsum), { x }, attrs))).toEqual([6, 5, 3]);
  expect(read(call(backwardsByTurning(never, tf.cumprod), { x }, { ...attrs, exclusive: true }))).toEqual([6, 3, 1]);
  expect(() => call(backwardsByTurning(never, tf.cumsum), { x }, { ...attrs, reverse: false })).toThrow('asked');
});

test('no inner dimension: zeros, and what is fused with the product', () => {
  const [a, b, bias] = [tf.zeros([0, 2]), tf.zeros([3, 0]), tf.tensor1d([-1, 2, 3])];
  const attrs = { transposeA: true, transposeB: true };
  const product = withEmptyOperands(tf.getKernel('BatchMatMul', 'cpu').kernelFunc);
  expect(read(call(product, { a, b }, attrs))).toEqual([0, 0, 0, 0, 0, 0]);
  const fused = withEmptyOperands(tf.getKernel('_FusedMatMul', 'cpu').kernelFunc);
  const out = call(fused, { a, b, bias }, { ...attrs, activation: 'relu' });
  expect(out.shape).toEqual([2, 3]);
  expect(read(out)).toEqual([0, 2, 3, 0, 2, 3]);
});

test('a product without elements asks no kernel', () => {
  const product = withEmptyOperands(() => {
    throw new Error('asked');
  });
  const attrs = { transposeA: false, transposeB: true };
  expect(call(product, { a: tf.zeros([1, 0, 3]), b: tf.zeros([4, 5, 3]) }, attrs).shape).toEqual([4, 0, 5]);
  expect(() => call(product, { a: tf.zeros([2, 3]), b: tf.zeros([5, 3]) }, attrs)).toThrow('asked');
});

import * as tf from '@tensorflow/tfjs-core';
import { describeNative } from '../test/native.ts';
import * as native from './index.ts';

describeNative('the native backend', () => {
  beforeAll(() => tf.setBackend('native'));

  test('is registered when the package is imported', () => {
    expect(native.isNativeAvailable()).toBe(true);
    expect(tf.getBackend()).toBe('native');
  });

  test('reads back what was written, as a copy', () => {
    const x = tf.tensor1d([1, 2, 3]);
    const first = x.dataSync();
    first[0] = 9;
    expect(Array.from(x.dataSync())).toEqual([1, 2, 3]);
    x.dispose();
  });

  test('keeps every dtype', () => {
    tf.tidy(() => {
      expect(Array.from(tf.tensor1d([1, -2], 'int32').dataSync())).toEqual([1, -2]);
      expect(Array.from(tf.tensor1d([true, false], 'bool').dataSync())).toEqual([1, 0]);
      expect(tf.tensor1d(['a', 'é']).dataSync()).toEqual(['a', 'é']);
      const z = tf.complex([1, 2], [3, 4]);
      expect(Array.from(z.dataSync())).toEqual([1, 3, 2, 4]);
      expect(Array.from(tf.real(z).dataSync())).toEqual([1, 2]);
    });
  });

  test('handles empty tensors and scalars', () => {
    tf.tidy(() => {
      expect(tf.zeros([0, 3]).dataSync().length).toBe(0);
      expect(tf.scalar(4).dataSync()[0]).toBe(4);
    });
  });

  test('moves tensors to the cpu backend and back', async () => {
    tf.env().set('IS_NODE', false); // keeps the cpu backend's banner out of the log
    const x = tf.tensor1d([1, 2, 3]);
    await tf.setBackend('cpu');
    const y = tf.add(x, 1);
    await tf.setBackend('native');
    const z = tf.mul(y, x);
    expect(Array.from(z.dataSync())).toEqual([2, 6, 12]);
    tf.dispose([x, y, z]);
    tf.env().set('IS_NODE', true);
  });

  test('counts tensors and frees their memory', () => {
    const before = native.memoryInfo().liveBytes;
    const tensors = tf.memory().numTensors;
    const buffers = tf.engine().backend.numDataIds();
    tf.tidy(() => {
      const x = tf.ones([100, 100]);
      const y = tf.reshape(x, [10000]);
      tf.add(x, tf.reshape(y, [100, 100]));
    });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(tf.engine().backend.numDataIds()).toBe(buffers);
    expect(native.memoryInfo().liveBytes).toBe(before);
  });
});

// Errors have the fields of tensor-core's, so that a caller tells them by `code` whichever package raised them.
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { describeNative } from '../test/native.ts';
import { NativeError } from './errors.ts';
import { capture, isLeanTape, packWeight, setLeanTape, setThreads, unpackWeight } from './index.ts';

const raised = (f: () => unknown): unknown => {
  try {
    f();
  } catch (error) {
    return error;
  }
  return undefined;
};

test('the text is built from the data', () => {
  const error = new NativeError('ERR_SHAPE', { where: 'f', what: 'bad', got: 'a', wanted: 'b', fix: 'Do c' });
  expect(error).toMatchObject({ message: 'f: bad; got a, wanted b. Do c.', code: 'ERR_SHAPE', name: 'NativeError' });
  expect(new NativeError('ERR_CONFIG', { where: 'f', what: 'bad' }).message).toBe('f: bad');
});

describeNative('bad calls', () => {
  beforeAll(async () => void (await tf.setBackend('native')));

  test('a weight of another dtype or rank', () => {
    expect(raised(() => packWeight(tf.zeros([2, 3, 4])))).toMatchObject({
      code: 'ERR_SHAPE',
      where: 'packWeight',
      got: 'float32 of shape [2,3,4]',
      wanted: 'a float32 matrix',
    });
  });

  test('options, precisions and threads that are none', () => {
    const w = tf.ones([2, 3]);
    const given = (options: unknown) => raised(() => packWeight(w, options as object));
    expect(given(null)).toMatchObject({ code: 'ERR_CONFIG', where: 'packWeight', got: 'null', wanted: 'an object' });
    expect(given({ precision: 'int8' })).toMatchObject({ code: 'ERR_CONFIG', got: 'int8', wanted: 'float32 or bf16' });
    for (const threads of [0, 1.5, Number.NaN, '2'])
      expect(raised(() => setThreads(threads as number))).toMatchObject({
        code: 'ERR_CONFIG',
        where: 'setThreads',
        got: String(threads),
      });
  });

  test('captures that cannot be', () => {
    const program = capture(() => undefined);
    program.dispose();
    const where = { code: 'ERR_CONFIG', where: 'capture', fix: expect.any(String) };
    expect(raised(() => program.replay())).toMatchObject({ ...where, what: 'this program was disposed' });
    expect(raised(() => capture(() => void capture(() => undefined)))).toMatchObject(where);
    const x = tf.ones([2]);
    expect(raised(() => capture(() => void x.dataSync()))).toMatchObject(where);
  });

  test('the tape is not switched inside a gradient', () => {
    const inside = raised(() =>
      tf.grad((x) => {
        setLeanTape(!isLeanTape());
        return tf.sum(x);
      })(tf.ones([2])),
    );
    expect(inside).toMatchObject({ code: 'ERR_CONFIG', where: 'setLeanTape', fix: expect.any(String) });
  });

  test('as many values as the tensor has', () => {
    const backend = tf.backend() as unknown as { overwrite(t: tf.Tensor, values: number[]): void };
    expect(raised(() => backend.overwrite(tf.ones([2]), [1]))).toMatchObject({
      code: 'ERR_SHAPE',
      where: 'overwrite',
      got: '1',
      wanted: '2',
    });
  });

  test('a tensor that was disposed', () => {
    const { extensions } = tf.backend() as unknown as { extensions: { blockBytes(t: tf.Tensor): number | undefined } };
    const x = tf.ones([2]);
    expect(extensions.blockBytes(x)).toBeUndefined();
    x.dispose();
    const disposed = { code: 'ERR_BACKEND', what: expect.stringContaining('was it disposed?') };
    expect(raised(() => extensions.blockBytes(x))).toMatchObject(disposed);
    expect(raised(() => unpackWeight(x))).toMatchObject(disposed);
  });

  test('more memory than there is', () => {
    const [column, row] = [tf.ones([2 ** 24, 1]), tf.ones([1, 2 ** 23])]; // together 2⁴⁹ bytes
    const error = raised(() => tf.add(column, row));
    tf.dispose([column, row]);
    expect(error).toMatchObject({ code: 'ERR_BACKEND', where: 'native', fix: expect.any(String) });
  });
});

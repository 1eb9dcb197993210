// The lean tape keeps tfjs's promises: each of these runs with it on and off, on the same backend.
import * as tf from '@tensorflow/tfjs-core';
import { useBackend } from '../src/index.ts';
import { Sac } from './support/sac.ts';

type Native = typeof import('@gimbal/tensor-native');
const native: Native | undefined =
  (await useBackend()).name === 'native' ? await import('@gimbal/tensor-native') : undefined;
if (native === undefined)
  process.stdout.write('skipped: the lean tape comes with the native backend, which has no binary here\n');
const supported = native === undefined ? test.skip : test;

const numbers = (t: tf.Tensor): number[] => [...t.dataSync<'float32'>()];
const t = (...values: number[]): tf.Tensor1D => tf.tensor1d(values);

describe.each([true, false])('lean: %p', (lean) => {
  beforeEach(() => void native?.setLeanTape(lean));
  afterAll(() => void native?.setLeanTape(true));
  const behaves = (name: string, body: () => void | Promise<void>): void => {
    supported(name, async () => {
      expect(native?.isLeanTape()).toBe(lean);
      await body();
    });
  };

  behaves('grad, grads, valueAndGrads with a given dy', () => {
    expect(numbers(tf.grad((x) => tf.square(x))(t(2, 3), t(1, 10)))).toEqual([4, 60]);
    const [a, b] = tf.grads((x, y) => tf.mul(x, y))([t(2), t(5)]) as [tf.Tensor, tf.Tensor];
    expect([...numbers(a), ...numbers(b)]).toEqual([5, 2]);
    const { value, grads } = tf.valueAndGrads((x, y) => tf.add(x, y))([t(1), t(2)]);
    expect([...numbers(value), ...grads.flatMap(numbers)]).toEqual([3, 1, 1]);
    const dy = t(1, 1);
    tf.grad((x) => tf.mul(x, 2))(t(1, 2), dy);
    expect(dy.isDisposed).toBe(false);
  });

  behaves('customGrad, alone, saved values included, and inside tfjs (logSoftmax)', () => {
    const double = tf.customGrad((x, save) => {
      (save as tf.GradSaveFunc)([x as tf.Tensor]);
      return { value: tf.square(x as tf.Tensor), gradFunc: (dy, [saved]) => tf.mul(dy, tf.mul(saved as tf.Tensor, 7)) };
    });
    expect(numbers(tf.grad((x) => double(tf.mul(x, 2)))(t(3)))).toEqual([7 * 6 * 2]);
    expect(numbers(tf.grad((x) => tf.sum(tf.mul(tf.logSoftmax(x), [1, 0])))(t(0, 0)))).toEqual([0.5, -0.5]);
    // a gradient function may hand dy or a saved tensor straight through
    const through = tf.customGrad((x) => ({ value: (x as tf.Tensor).clone(), gradFunc: (dy) => dy }));
    expect(numbers(tf.grad((x) => tf.add(through(x), through(x)))(t(3)))).toEqual([2]);
  });

  behaves('gradients of gradients', () => {
    const cube = (x: tf.Tensor): tf.Tensor => tf.mul(x, tf.square(x));
    expect(numbers(tf.grad(tf.grad(cube))(t(2)))).toEqual([12]);
    expect(numbers(tf.grad(tf.grad(tf.grad(cube)))(t(2)))).toEqual([6]);
    expect(numbers(tf.grad((x) => tf.sum(tf.mul(x, tf.grad((y) => tf.exp(tf.mul(y, 2)))(x))))(t(0)))).toEqual([2]);
  });

  behaves('several outputs, unused branches, a tensor used twice', () => {
    const f = (x: tf.Tensor): tf.Tensor => {
      const [a, , c] = tf.split(x, 3) as [tf.Tensor, tf.Tensor, tf.Tensor];
      tf.unique(x); // no gradient, and no way to y
      return tf.sum(tf.mul(a, tf.add(a, c)));
    };
    expect(numbers(tf.grad(f)(t(2, 5, 7)))).toEqual([11, 0, 2]);
  });

  behaves('errors name what is missing', () => {
    expect(() => tf.grad((x) => tf.sum(tf.unique(x).values))(t(1))).toThrow(
      /gradient function not found for Unique|Cannot compute gradient/,
    );
    expect(() => tf.grad(() => t(1))(t(1))).toThrow('Cannot compute gradient of y=f(x) with respect to x');
    const wrong = tf.customGrad((x) => ({ value: tf.square(x as tf.Tensor), gradFunc: () => t(1, 2, 3) }));
    expect(() => tf.grad((x) => wrong(x))(t(1))).toThrow(
      "has shape '3', which does not match the shape of the input '1'",
    );
  });

  behaves('kernels and gradients that a user registers, and registers anew', () => {
    tf.registerKernel({
      kernelName: 'LeanTest',
      backendName: 'native',
      kernelFunc: ({ inputs }) => tf.mul(inputs.x as tf.Tensor, 10),
    });
    const run = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel('LeanTest', { x }) as tf.Tensor;
    for (const slope of [10, 20]) {
      tf.registerGradient({ kernelName: 'LeanTest', gradFunc: (dy) => ({ x: () => tf.mul(dy as tf.Tensor, slope) }) });
      expect(numbers(tf.grad((x) => run(x))(t(1)))).toEqual([slope]);
    }
    tf.unregisterKernel('LeanTest', 'native');
    expect(() => run(t(1))).toThrow("Kernel 'LeanTest' not registered for backend 'native'");
    tf.unregisterGradient('LeanTest');
  });

  behaves('tidy, keep, variables and counts', () => {
    const before = tf.memory();
    let kept: tf.Tensor | undefined;
    const out = tf.tidy((): { a: tf.Tensor[] } => {
      kept = tf.keep(tf.add(t(1), 1));
      return { a: [tf.add(t(2), 2)] };
    });
    expect([...numbers(kept as tf.Tensor), ...numbers(out.a[0] as tf.Tensor)]).toEqual([2, 4]);
    expect(tf.memory().numTensors).toBe(before.numTensors + 2);
    kept?.dispose();
    out.a[0]?.dispose();
    const v = tf.variable(t(3));
    const { grads } = tf.variableGrads(() => tf.sum(tf.square(v)), [v]);
    expect(numbers(grads[v.name] as tf.Tensor)).toEqual([6]);
    tf.dispose(grads);
    v.dispose();
    expect(() =>
      tf.tidy(() => {
        t(1);
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(tf.memory().numTensors - before.numTensors).toBeLessThanOrEqual(3); // the constants of this test
  });

  behaves('a gradient that fails leaves nothing behind', () => {
    const x = t(1, 2);
    const before = tf.memory();
    for (let i = 0; i < 3; i++) {
      expect(() =>
        tf.grad((v) => {
          tf.square(v);
          throw new Error('inside');
        })(x),
      ).toThrow('inside');
    }
    if (lean) expect(tf.memory().numTensors).toBe(before.numTensors); // the stock engine loses what it saved
    x.dispose();
  });

  behaves('tensors move between backends, reads are copies, profile counts', async () => {
    const x = t(1, 2);
    await useBackend('cpu'); // leaves the tape as it is
    expect(numbers(tf.add(x, 1))).toEqual([2, 3]);
    await tf.setBackend('native');
    expect(numbers(tf.grad((v) => tf.mul(v, x))(x))).toEqual([2, 4]); // x is v
    const read = x.dataSync();
    read[0] = 99;
    expect(numbers(x)).toEqual([1, 2]);
    expect([...(await x.data())]).toEqual([1, 2]);
    const { kernelNames } = await tf.profile(() => tf.grad((v) => tf.square(v))(x));
    expect(kernelNames).toContain('Square');
    x.dispose();
  });

  behaves('tensors made before the switch are known after it', () => {
    const x = t(1, 2);
    native?.setLeanTape(!lean);
    const y = tf.square(x);
    native?.setLeanTape(lean);
    const before = tf.memory().numTensors;
    x.dispose();
    y.dispose();
    expect(tf.memory().numTensors).toBe(before - 2);
  });

  behaves('1000 updates keep the number of tensors and their bytes', () => {
    const sac = new Sac();
    let [tensors, bytes] = [0, 0];
    for (let i = 0; i < 1000; i++) {
      const batch = sac.batch();
      tf.dispose([sac.step(batch, 1e-3), batch]);
      if (i === 2) ({ numTensors: tensors, numBytes: bytes } = tf.memory());
    }
    expect(tf.memory().numTensors).toBe(tensors);
    expect(tf.memory().numBytes).toBe(bytes);
    sac.dispose();
  });
});

supported('both tapes compute the same to the bit', () => {
  const run = (lean: boolean): Record<string, number[]> => {
    native?.setLeanTape(lean);
    const sac = new Sac();
    for (let i = 0; i < 20; i++) sac.step(sac.batch(), 1e-3);
    const out = sac.numbers();
    sac.dispose();
    return out;
  };
  expect(run(true)).toEqual(run(false));
  native?.setLeanTape(true);
});

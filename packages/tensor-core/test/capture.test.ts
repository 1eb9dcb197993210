// Capture and replay: a replayed step must be the step, to the bit; what a replay would get wrong must be refused.
import {
  add,
  memory,
  mul,
  type Scalar,
  scalar,
  square,
  sum,
  type Tensor,
  tensor1d,
  unique,
  variable,
} from '@tensorflow/tfjs-core';
import {
  captureStep,
  createOptimizer,
  disposeTree,
  type Params,
  rng,
  useBackend,
  valueAndGrad,
  variables,
} from '../src/index.ts';
import { availableBackends } from './helpers/backends.ts';
import { Sac } from './support/sac.ts';

describe.each(await availableBackends('cpu', 'native'))('on %s', (name) => {
  beforeAll(() => useBackend(name));

  test('200 updates of an actor and two critics equal the eager ones to the bit', () => {
    const updates = name === 'cpu' ? 5 : 200;
    const [eager, replayed] = [new Sac(), new Sac()];
    const step = captureStep((inputs: { [K in 's' | 'a' | 'r' | 's2' | 'e1' | 'e2' | 'learningRate']: Tensor }) =>
      replayed.step(inputs, inputs.learningRate as Scalar),
    );
    for (let i = 0; i < updates; i++) {
      const learningRate = 1e-3 * (1 - i / updates); // a schedule: read from memory, not baked in
      const batch = eager.batch();
      const wanted = eager.step(batch, learningRate);
      const got = step.run({ ...batch, learningRate });
      expect([got.criticLoss.dataSync()[0], got.actorLoss.dataSync()[0]]).toEqual([
        wanted.criticLoss.dataSync()[0],
        wanted.actorLoss.dataSync()[0],
      ]);
      disposeTree({ ...batch, ...wanted });
    }
    expect(step.captured).toBe(name === 'native');
    expect(replayed.numbers()).toEqual(eager.numbers());
    step.dispose();
    for (const sac of [eager, replayed]) sac.dispose();
  });

  test('the number of tensors and their bytes stay flat over 1000 steps, and dispose gives all back', () => {
    const start = memory();
    const params = variables({ w: tensor1d([1, 2, 3]) });
    const optimizer = createOptimizer({ name: 'adamw' });
    const state = optimizer.init(params);
    const step = captureStep(({ x, learningRate }: { x: Tensor; learningRate: Tensor }) => {
      const { value, grads } = valueAndGrad((p: Params): Scalar => sum(square(mul(p.w as Tensor, x))))(params);
      optimizer.update(params, grads, state, learningRate as Scalar);
      return { loss: value };
    });
    const x = tensor1d([1, 1, 1]);
    let [tensors, bytes] = [0, 0];
    for (let i = 0; i < 1000; i++) {
      step.run({ x: i === 0 ? x : Float32Array.of(i % 3, 1, 2), learningRate: 1e-3 });
      if (i === 5) ({ numTensors: tensors, numBytes: bytes } = memory());
    }
    expect(memory().numTensors).toBe(tensors);
    expect(memory().numBytes).toBe(bytes);
    step.dispose();
    step.dispose();
    expect(() => step.run({ x, learningRate: 1 })).toThrow('captureStep: the step was disposed');
    x.dispose();
    disposeTree(state);
    disposeTree(params);
    expect(memory().numTensors).toBe(start.numTensors + 1); // the constant the test made for `variables`
  });

  test('a program does not disturb, and is not disturbed by, what runs between its replays', () => {
    const v = variable(scalar(0));
    const step = captureStep(({ x }: { x: Tensor }) => ({ y: sum(square(add(mul(x, 3), 1))), z: mul(x, [1, 2]) }));
    const r = rng(5);
    for (let i = 0; i < 20; i++) {
      const junk = [1, 2, 3, 4, 5].map((n) => r.normalTensor([n * 3]));
      const { y, z } = step.run({ x: i === 0 ? tensor1d([i, 1]) : Float32Array.of(i, 1) });
      expect(y.dataSync()[0]).toBe((3 * i + 1) ** 2 + 16);
      expect([...z.dataSync()]).toEqual([i, 2]);
      for (const t of junk) t.dispose();
    }
    step.dispose();
    v.dispose();
  });

  test('inputs must keep their names, shapes and dtypes', () => {
    const step = captureStep(({ x }: { x: Tensor }) => ({ y: sum(x) }));
    expect(() => step.run({ x: Float32Array.of(1) })).toThrow('the first run needs a tensor or a number');
    step.run({ x: tensor1d([1, 2]) });
    expect(() => step.run({ x: tensor1d([1, 2, 3]) })).toThrow(
      'captureStep input x: another shape or dtype than at the first run; got "float32 [3]", wanted float32 [2]',
    );
    expect(() => step.run({ x: tensor1d([1, 2], 'int32') })).toThrow('another shape or dtype');
    expect(() => step.run({ y: tensor1d([1, 2]) } as never)).toThrow('a new input');
    expect(() => step.run({ x: tensor1d([1, 2]), y: 1 } as never)).toThrow('other inputs');
    step.dispose();
  });

  test('elements come in the array of the first run’s dtype, and a whole number stays one', () => {
    const step = captureStep(({ x, n }: { x: Tensor; n: Tensor }) => ({ y: add(sum(x), sum(n)) }));
    step.run({ x: tensor1d([1, 2]), n: tensor1d([3], 'int32') });
    const [x, n] = [Float32Array.of(0.5, 1), Int32Array.of(4)];
    expect(() => step.run({ x: Int32Array.of(1, 2), n })).toThrow(
      'captureStep input x: another shape or dtype than at the first run; got "Int32Array of 2 elements", wanted float32 [2]',
    );
    expect(() => step.run({ x, n: Float32Array.of(4) })).toThrow('got "Float32Array of 1 elements", wanted int32 [1]');
    expect(() => step.run({ x, n: 4.5 })).toThrow('got "the number 4.5", wanted int32 [1]');
    expect(() => step.run({ x: Float32Array.of(1), n })).toThrow(
      'got "Float32Array of 1 elements", wanted float32 [2]',
    );
    expect(step.run({ x, n }).y.dataSync()[0]).toBe(5.5);
    expect(step.run({ x, n: 5 }).y.dataSync()[0]).toBe(6.5);
    expect(step.captured).toBe(name === 'native');
    step.dispose();
  });

  test('a first run that fails is none: the next one decides the shapes, and nothing is left of it', () => {
    let fails = true;
    const { numTensors } = memory();
    const step = captureStep(({ x }: { x: Tensor; k: Tensor }) => {
      const y = sum(x);
      if (fails) throw new Error('not yet');
      return { y };
    });
    const [two, three] = [tensor1d([1, 2]), tensor1d([1, 2, 3])];
    expect(() => step.run({ x: two, k: 1 })).toThrow('not yet');
    expect(() => step.run({ x: two, k: Float32Array.of(1) })).toThrow('the first run needs a tensor or a number');
    expect(memory().numTensors).toBe(numTensors + 2);
    fails = false;
    expect(step.run({ x: three, k: 1 }).y.dataSync()[0]).toBe(6);
    expect(step.captured).toBe(false);
    expect(step.run({ x: Float32Array.of(4, 5, 6), k: 2 }).y.dataSync()[0]).toBe(15);
    expect(step.captured).toBe(name === 'native');
    step.dispose();
    disposeTree({ two, three });
    expect(memory().numTensors).toBe(numTensors);
  });

  test('what a replay would get wrong is refused at the second call', () => {
    const refusal = (f: (inputs: { x: Tensor }) => { y: Tensor }): unknown => {
      const step = captureStep(f);
      try {
        step.run({ x: tensor1d([1, 2]) });
        step.run({ x: tensor1d([1, 2]) });
        return 'runs';
      } catch (error) {
        return `${(error as { code: string }).code} ${(error as Error).message}`;
      } finally {
        step.dispose();
      }
    };
    const v = variable(tensor1d([1, 2]));
    const r = rng(1);
    const results = {
      host: refusal(({ x }) => ({ y: unique(x).values })),
      read: refusal(({ x }) => ({ y: mul(x, x.dataSync<'float32'>()[0] ?? 0) })),
      random: refusal(({ x }) => ({ y: add(x, r.normalTensor([2])) })),
      assign: refusal(({ x }) => {
        v.assign(add(v, x));
        return { y: add(v, 0) };
      }),
    };
    if (name !== 'native') {
      expect(Object.values(results)).toEqual(['runs', 'runs', 'runs', 'runs']);
    } else {
      expect(results.host).toMatch(
        /^ERR_BACKEND captureStep: the step cannot be replayed: capture: the kernel 'Unique'/,
      );
      expect(results.read).toMatch(/^ERR_BACKEND captureStep.*value is read/);
      expect(results.random).toMatch(/^ERR_BACKEND captureStep.*random numbers/);
      expect(results.assign).toMatch(/^ERR_BACKEND captureStep: the step assigns 1 variables/);
      // nothing of a refused capture is left behind: the next one works
      expect(refusal(({ x }) => ({ y: sum(x) }))).toBe('runs');
    }
    v.dispose();
  });
});

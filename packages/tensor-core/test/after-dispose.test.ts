// Use after dispose: every long-lived object refuses by a typed error that names it, on every backend.
import {
  concat,
  reshape,
  type Scalar,
  slice,
  square,
  sum,
  type Tensor,
  tensor1d,
  tensor3d,
} from '@tensorflow/tfjs-core';
import {
  attentionDecode,
  captureStep,
  Ema,
  kvCache,
  LoopTrainer,
  oneBatch,
  type Params,
  useBackend,
} from '../src/index.ts';
import { availableBackends } from './helpers/backends.ts';

const trainer = (): LoopTrainer<number> =>
  new LoopTrainer({
    params: { w: tensor1d([1, 2]) },
    batches: oneBatch(1),
    loss: (p: Params) => ({ sum: sum<Scalar>(square(p.w as Tensor)), weight: 1 }),
    options: { learningRate: 0.1, batchSize: 1, seed: 0 },
  });

const code = 'ERR_CONFIG';

const backends = await availableBackends('cpu', 'native');

describe.each(backends)('on %s', (name) => {
  beforeAll(() => useBackend(name));

  test('a trainer neither trains nor saves', async () => {
    const t = trainer();
    await t.run({ steps: 1 });
    t.dispose();
    t.dispose();
    await expect(t.run({ steps: 2 })).rejects.toMatchObject({ code, message: expect.stringContaining('trainer') });
    await expect(t.save('never-written')).rejects.toMatchObject({ code, message: expect.stringContaining('trainer') });
  });

  test('a trainer disposed between two steps ends its loop', async () => {
    const t = trainer();
    const loop = async (): Promise<void> => {
      for await (const _ of t.train({ steps: 3 })) t.dispose();
    };
    await expect(loop()).rejects.toMatchObject({ code, message: expect.stringContaining('trainer was disposed') });
  });

  test('an average does not move', () => {
    const params = { w: tensor1d([1, 2]) };
    const ema = new Ema(params, { decay: 0.5 });
    ema.dispose();
    expect(() => ema.update(params)).toThrow(expect.objectContaining({ code }));
    expect(() => ema.restore(params, 1)).toThrow(/average was disposed/);
    expect(ema.updates).toBe(0);
  });

  test('a cache of keys and values is not begun anew', () => {
    const cache = kvCache({ batch: 1, kvHeads: 1, headDim: 2, maxLength: 4 });
    const packed = tensor3d([1, 2, 3, 4, 5, 6], [1, 1, 6]);
    attentionDecode(packed, undefined, undefined, cache, { heads: 1 }).dispose();
    cache.dispose();
    const again = (): Tensor => attentionDecode(packed, undefined, undefined, cache, { heads: 1 });
    expect(again).toThrow(expect.objectContaining({ code }));
    expect(again).toThrow(/cache was disposed/);
  });

  test('a captured step does not run', () => {
    const step = captureStep(({ x }: { x: Tensor }) => ({ y: square(x) }));
    for (let i = 0; i < 3; i++) step.run({ x: 2 });
    step.dispose();
    expect(() => step.run({ x: 2 })).toThrow(expect.objectContaining({ code }));
  });
});

const onNative = backends.includes('native') ? test : test.skip;

onNative('a step captured on one backend is refused on another, and goes on when that is back', async () => {
  await useBackend('native');
  const step = captureStep(({ x }: { x: Tensor }) => ({ y: square(x) }));
  for (let i = 0; i < 3; i++) step.run({ x: 2 });
  await useBackend('cpu');
  expect(() => step.run({ x: 3 })).toThrow(expect.objectContaining({ code: 'ERR_BACKEND' }));
  await useBackend('native');
  expect(step.run({ x: 4 }).y.dataSync()[0]).toBe(16);
  step.dispose();
});

onNative('tensors move between two backends that take turns', async () => {
  await useBackend('native');
  let x: Tensor = tensor1d([1, 2, 3]);
  for (let i = 0; i < 6; i++) {
    await useBackend(i % 2 === 0 ? 'cpu' : 'native');
    const next: Tensor = concat([reshape(sum(square(x)), [1]), slice(x, 1)]);
    x.dispose();
    x = next;
    await x.data();
    if (i === 0) expect([...x.dataSync()]).toEqual([14, 2, 3]);
    if (i === 1) expect([...x.dataSync()]).toEqual([209, 2, 3]);
  }
  x.dispose();
});

/** The training loop’s guard against NaN: what it names, what it never saves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { add, log, mul, type Scalar, sqrt, square, sum, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/use-backend.node.ts';
import { loadCheckpoint } from '../src/checkpoint/load.node.ts';
import { oneBatch } from '../src/training/batch-source.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import { availableBackends } from './helpers/backends.ts';
import { collect, make, values } from './helpers/loop.ts';
import type { Net } from './helpers/regression.ts';
import '../src/training/run-storage.node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-train-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each(await availableBackends('cpu', 'wasm', 'native'))('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('names the parameter that holds a NaN, and changes nothing', async () => {
    const trainer = make({ out: folder, checkpointEvery: 2 });
    // leaving the loop saves, as a signal does
    for await (const s of trainer.train({ steps: 100 })) if (s.step === 3) break;
    const { weight } = (trainer.params as Net).out;
    const poisoned = Array.from(weight.dataSync());
    poisoned[5] = Number.NaN;
    (weight as unknown as { assign(t: Tensor): void }).assign(tensor2d(poisoned, [8, 1]));
    const before = values(trainer.params);
    await expect(collect(trainer, 10)).rejects.toMatchObject({
      code: 'ERR_NUMERICAL',
      where: 'training, step 4',
      message: expect.stringMatching(
        /the loss is NaN: parameter out\.weight holds NaN at element 5\. The last good checkpoint is .*step-00000003; lower the learning rate/,
      ),
    });
    expect(values(trainer.params)).toEqual(before);
    expect((await loadCheckpoint(folder)).step).toBe(3);
  });

  const failing = (f: (w: Tensor) => Tensor): LoopTrainer<null> =>
    new LoopTrainer({
      params: { layer: { w: tensor1d([0, -1]) } },
      loss: (p) => ({ sum: sum<Scalar>(f((p.layer as { w: Tensor }).w)), weight: 1 }),
      batches: oneBatch(null),
      options: { learningRate: 0.1, batchSize: 1, seed: 0 },
    });

  test('names the op that made it in the forward pass', async () => {
    const trainer = failing((w) => log(w)); // log 0 = −∞, log −1 = NaN
    await expect(trainer.run({ steps: 1 })).rejects.toThrow(
      'training, step 1: the loss is NaN: the first op with a NaN is Log, the first gradient that is not finite is that of layer.w (Infinity)',
    );
  });

  test('names the op that made it in the backward pass', async () => {
    // √x² is fine at 0, its gradient is 0/0 (or 0·∞)
    const trainer = failing((w) => sqrt(square(w)));
    await expect(trainer.run({ steps: 1 })).rejects.toThrow(
      /the gradient’s norm is NaN: the first op with a NaN is \w+, .*that of layer\.w \(NaN\)\. Nothing was saved/,
    );
  });

  test('tells an infinite loss from a NaN', async () => {
    const trainer = failing((w) => mul(mul(add(w, 2), 1e30), 1e30));
    await expect(trainer.run({ steps: 1 })).rejects.toThrow(
      'the loss is Infinity: the first op with an infinity is Multiply',
    );
  });

  test.each([
    ['a gradient of an unlogged step', { logEvery: 10, checkpointEvery: 3 }, 4, 'step-00000003'],
    ['an update that overflows', { logEvery: 1, checkpointEvery: 1 }, Number.POSITIVE_INFINITY, undefined],
  ])('parameters that %s made NaN are never saved', async (_, options, from, good) => {
    const trainer = new LoopTrainer({
      params: { layer: { w: tensor1d([0.5, 1]) } },
      loss: (p, _batch, { step }) => {
        const total = sum<Scalar>(square((p.layer as { w: Tensor }).w));
        return { sum: step >= from ? mul<Scalar>(total, Number.NaN) : total, weight: 1 };
      },
      batches: oneBatch(null),
      options: {
        learningRate: good ? 0.1 : 3.5e38,
        optimizer: { name: 'sgd' },
        batchSize: 1,
        seed: 0,
        out: folder,
        ...options,
      },
    });
    await expect(trainer.run({ steps: 20 })).rejects.toMatchObject({
      code: 'ERR_NUMERICAL',
      message: expect.stringMatching(good ? new RegExp(`The last good checkpoint is .*${good}`) : /Nothing was saved/),
    });
    if (good === undefined) return expect(loadCheckpoint(folder)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
    const saved = await (await loadCheckpoint(folder)).tree('params');
    expect(values(saved).flat().every(Number.isFinite)).toBe(true);
  });

  test('a NaN in the evaluation is logged, not fatal', async () => {
    const trainer = make({ evalEvery: 1 }, { evaluate: async () => ({ loss: Number.NaN }) });
    expect((await collect(trainer, 2)).map((s) => s.evalLoss)).toEqual([Number.NaN, Number.NaN]);
    expect(trainer.best).toBeNull();
  });
});

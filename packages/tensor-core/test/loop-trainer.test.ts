/** The training loop: exact sums, flat memory, options. */
import { mean, memory, mul, type Scalar, square, sub, sum, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/use-backend.node.ts';
import type { LoopOptions } from '../src/contracts/loop.ts';
import { rng } from '../src/random/rng.ts';
import type { LoopSetup, TrainStep } from '../src/training/loop-setup.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import { sumGradients } from '../src/training/loss.ts';
import { disposeTree } from '../src/tree/memory.ts';
import type { Params } from '../src/tree/params.ts';
import { availableBackends } from './helpers/backends.ts';
import { collect, losses, make } from './helpers/loop.ts';
import { type Net, regression } from './helpers/regression.ts';
import '../src/training/run-storage.node.ts';

describe.each(await availableBackends('cpu', 'wasm', 'native'))('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('it learns a regression, and the last step carries the evaluation', async () => {
    const trainer = make();
    const steps = await collect(trainer, 100);
    expect(steps.length).toBe(100);
    // the variance of the targets is about 2.7
    expect(steps[0]?.loss).toBeGreaterThan(4);
    expect(steps.at(-1)?.evalLoss).toBeLessThan(1.3);
    expect(steps[50]?.evalLoss).toBeUndefined();
    expect(trainer.stopReason).toBe('steps');
    const { step, loss, learningRate, gradNorm, tokens, absolute, one, tensors, memoryBytes } = steps[4] as TrainStep;
    expect({ step, learningRate, tokens, one }).toEqual({ step: 5, learningRate: 0.1, tokens: 8, one: 1 });
    expect(absolute).toBeCloseTo(loss, 5);
    for (const x of [
      gradNorm,
      tensors,
      memoryBytes,
      steps[4]?.stepsPerSecond,
      steps[4]?.tokensPerSecond,
      steps[4]?.secondsLeft,
    ])
      expect(x).toBeGreaterThan(0);
  });

  test('one target of loss 4 and nine of loss 1 give 1.3, in one batch or in two accumulated ones, with equal gradients', async () => {
    // loss of a target is w²·t: at w = 1 it is t, its gradient 2t
    const params = { w: tensor1d([1]) };
    const loss: LoopSetup<number[]>['loss'] = (p, batch) => ({
      sum: sum<Scalar>(mul(square(p.w as Tensor), tensor1d(batch))),
      weight: batch.length,
    });
    const rows = [[4], Array(9).fill(1)] as number[][];
    const context = { rng: rng(0), step: 0, training: true, gradientCheckpointing: false };
    const one = sumGradients(params, loss, 1, () => ({ batch: rows.flat(), context }));
    const two = sumGradients(params, loss, 2, (i) => ({ batch: rows[i] as number[], context }));
    for (const s of [one, two]) expect((s.sum.dataSync()[0] as number) / s.weight).toBeCloseTo(1.3, 6);
    const [g1, g2] = [one, two].map((s) => ((s.grads.w as Tensor).dataSync()[0] as number) / s.weight) as [
      number,
      number,
    ];
    expect(g1).toBeCloseTo(2.6, 6);
    expect(Math.abs(g1 - g2)).toBeLessThan(1e-6);
    // and through the trainer, after one AdamW step
    const after = [];
    for (const accumulate of [1, 2]) {
      let i = 0;
      const batches = {
        next: () => (accumulate === 1 ? rows.flat() : (rows[i++ % 2] as number[])),
        state: () => i,
        restore: (s: unknown) => {
          i = s as number;
        },
      };
      const trainer = new LoopTrainer({
        params,
        loss,
        batches,
        options: { learningRate: 0.1, batchSize: 2 / accumulate, accumulate, seed: 0 },
      });
      const step = await trainer.run({ steps: 1 });
      expect(step?.loss).toBeCloseTo(1.3, 6);
      expect(step?.gradNorm).toBeCloseTo(2.6, 5);
      after.push((trainer.params.w as Tensor).dataSync()[0]);
    }
    expect(Math.abs((after[0] as number) - (after[1] as number))).toBeLessThan(1e-6);
  });

  test('a batch of 8 equals 8 accumulated ones of 1', async () => {
    const whole = await collect(
      make({ batchSize: 8 }, { loss: (regression({}, 0) as unknown as LoopSetup<never>).loss }),
      10,
    );
    const split = await collect(
      make({ batchSize: 1, accumulate: 8 }, { loss: (regression({}, 0) as unknown as LoopSetup<never>).loss }),
      10,
    );
    for (const [i, s] of whole.entries()) {
      expect(Math.abs(s.loss - (split[i]?.loss ?? 0))).toBeLessThan(1e-5);
      expect(Math.abs(s.gradNorm - (split[i]?.gradNorm ?? 0))).toBeLessThan(1e-4);
    }
  });

  test('the same seed gives the same numbers, another seed others', async () => {
    const [a, b, c] = [await collect(make(), 5), await collect(make(), 5), await collect(make({ seed: 4 }), 5)];
    expect(losses(a)).toEqual(losses(b));
    expect(losses(a)).not.toEqual(losses(c));
  });

  test('only every n-th step is read back and yielded, and the last one', async () => {
    const all = await collect(make(), 10);
    const trainer = make({ logEvery: 4 });
    const some = await collect(trainer, 10);
    expect(some.map((s) => s.step)).toEqual([4, 8, 10]);
    expect(losses(some)).toEqual([4, 8, 10].map((i) => all[i - 1]?.loss));
  });

  test('a thousand steps keep the number of tensors and bytes flat, and everything is freed at the end', async () => {
    const before = memory();
    const setup = regression({ accumulate: 2, learningRate: 0.001 });
    const trainer = new LoopTrainer(setup);
    disposeTree(setup.params);
    const counts = new Set<string>();
    for await (const s of trainer.train({ steps: 1000 })) counts.add(`${s.tensors} tensors, ${s.memoryBytes} bytes`);
    expect(counts.size).toBe(1);
    trainer.dispose();
    trainer.dispose();
    expect(memory()).toMatchObject({ numTensors: before.numTensors, numBytes: before.numBytes });
  });

  test.each([
    [{ learningRate: -1 }, 'learningRate: out of range; got -1'],
    [{ batchSize: 0 }, 'batchSize: out of range; got 0, wanted a whole number ≥ 1'],
    [{ accumulate: 1.5 }, 'accumulate: out of range'],
    [{ maxGradNorm: 0 }, 'maxGradNorm: out of range'],
    [{ seed: -1 }, 'seed: out of range'],
    [{ precision: 'fp16' }, 'precision: out of range; got "fp16"'],
    [{ earlyStop: { patience: 0 } }, 'earlyStop.patience: out of range'],
    [{ optimizer: { name: 'adamv' } }, 'Did you mean adamw?'],
  ])('%j is refused at construction', (options, message) => {
    const before = memory().numTensors;
    const good = regression();
    const setup = { ...good, options: { ...good.options, ...options } as LoopOptions };
    expect(() => new LoopTrainer(setup)).toThrow(message);
    disposeTree(setup.params);
    expect(memory().numTensors).toBe(before);
  });

  test('bf16 products train where the machine has them, and are refused at construction elsewhere', async () => {
    const setup = regression({ precision: 'bf16' });
    const before = memory().numTensors;
    const refused = await Promise.resolve()
      .then(() => new LoopTrainer(setup).run({ steps: 20 }))
      .then(
        (last) => void expect(last?.evalLoss).toBeLessThan(4),
        (error: unknown) => error,
      );
    if (refused === undefined) expect(backend).toBe('native');
    else {
      expect(refused).toMatchObject({
        code: 'ERR_BACKEND',
        message: expect.stringContaining('has no bf16 products here'),
      });
      expect(memory().numTensors).toBe(before);
    }
  });

  test('what can only be seen later is refused then', async () => {
    const { evaluate, ...without } = regression({ evalEvery: 1 });
    expect(() => new LoopTrainer(without)).toThrow('evalEvery: there is nothing to evaluate on');
    await expect(make().run({ steps: 1.5 })).rejects.toThrow('train: steps; got 1.5');
    await expect(make({ learningRate: () => Number.NaN }).run({ steps: 1 })).rejects.toThrow(
      'learningRate: the schedule’s value at step 0; got NaN',
    );
    const empty = make({}, {
      loss: (p: Params) => ({ sum: tidy(() => mean<Scalar>(sub((p as Net).out.weight, 1))), weight: 0 }),
    } as never);
    const before = memory().numTensors;
    await expect(empty.run({ steps: 1 })).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('a batch has no targets'),
    });
    expect(memory().numTensors).toBe(before);
    const gone = make();
    gone.dispose();
    await expect(gone.run({ steps: 1 })).rejects.toThrow('the trainer was disposed');
    const trainer = make();
    const loop = trainer.train({ steps: 5 });
    await loop.next();
    await expect(trainer.run({ steps: 5 })).rejects.toThrow('it trains already');
    await loop.return();
    // nor at the same time
    const both = await Promise.allSettled([trainer.run({ steps: 3 }), trainer.run({ steps: 3 })]);
    expect(both).toEqual([
      expect.objectContaining({ value: expect.objectContaining({ step: 3 }) }),
      expect.objectContaining({ reason: expect.objectContaining({ code: 'ERR_CONFIG', what: 'it trains already' }) }),
    ]);
    expect(trainer.step).toBe(3);
    for (const signal of [{}, new AbortController(), 'x', null])
      await expect(trainer.run({ steps: 5, signal: signal as never })).rejects.toMatchObject({
        code: 'ERR_CONFIG',
        what: 'signal',
      });
  });
});

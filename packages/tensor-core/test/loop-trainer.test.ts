/** The training loop: exact sums, exact resumes, guards, flat memory. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  add,
  log,
  mean,
  memory,
  mul,
  type Scalar,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/use-backend.node.ts';
import { loadCheckpoint } from '../src/checkpoint/load.node.ts';
import type { LoopOptions } from '../src/contracts/loop.ts';
import { rng } from '../src/random/rng.ts';
import { oneBatch } from '../src/training/batch-source.ts';
import type { LoopSetup, TrainStep } from '../src/training/loop-setup.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import { sumGradients } from '../src/training/loss.ts';
import { readMetrics } from '../src/training/metrics-log.node.ts';
import '../src/training/run-storage.node.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { flatten, type Params } from '../src/tree/params.ts';
import { availableBackends } from './helpers/backends.ts';
import { type Net, regression } from './helpers/regression.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-train-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function collect(trainer: LoopTrainer<never>, steps: number, signal?: AbortSignal): Promise<TrainStep[]> {
  const all: TrainStep[] = [];
  for await (const s of trainer.train({ steps, ...(signal && { signal }) })) all.push(s);
  return all;
}
const losses = (steps: readonly TrainStep[]): number[] => steps.map((s) => s.loss);
const values = (params: Params): number[][] => flatten(params).map(([, t]) => Array.from(t.dataSync()));
const make = (options: Partial<LoopOptions> = {}, change: Partial<LoopSetup<never>> = {}): LoopTrainer<never> =>
  new LoopTrainer({ ...(regression(options) as unknown as LoopSetup<never>), ...change });

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

  test.each([
    { name: 'adamw' },
    { name: 'sgd', momentum: 0.9 },
    { name: 'adafactor' },
    { name: 'lion' },
    { name: 'muon' },
  ] as const)('a resumed run gives the next 20 losses of the uninterrupted one to the bit: %j', async (optimizer) => {
    const options = { optimizer, accumulate: 2, checkpointEvery: 13 };
    const whole = make(options);
    const uninterrupted = losses(await collect(whole, 33));
    const out = join(folder, optimizer.name);
    const first = make({ ...options, out });
    // stopped in the middle of step 15: the checkpoint is that of step 13
    for await (const s of first.train({ steps: 33 })) if (s.step === 15) break;
    first.dispose();
    const resumed = await LoopTrainer.resume(out, regression({ ...options, out }) as unknown as LoopSetup<never>);
    expect(resumed.step).toBe(13);
    expect(losses(await collect(resumed, 33))).toEqual(uninterrupted.slice(13));
    expect(values(resumed.params)).toEqual(values(whole.params));
    // metrics.jsonl holds each step once, though steps 14 and 15 were computed twice
    const rows = await readMetrics(out);
    expect(rows.map((r) => r.step)).toEqual(Array.from({ length: 33 }, (_, i) => i + 1));
    expect(rows.map((r) => r.loss)).toEqual(uninterrupted);
  });

  test('an abort stops at a step boundary and leaves a checkpoint to go on from', async () => {
    const uninterrupted = losses(await collect(make(), 12));
    const controller = new AbortController();
    const trainer = make({ out: folder });
    const seen: TrainStep[] = [];
    for await (const s of trainer.train({ steps: 12, signal: controller.signal })) {
      seen.push(s);
      if (s.step === 5) controller.abort();
    }
    expect(seen.length).toBe(5);
    expect(trainer.stopReason).toBe('signal');
    expect((await loadCheckpoint(folder)).step).toBe(5);
    // the same trainer goes on, and so does a new one
    expect(losses(await collect(trainer, 8))).toEqual(uninterrupted.slice(5, 8));
    const resumed = await LoopTrainer.resume(folder, regression({ out: folder }) as unknown as LoopSetup<never>);
    expect(losses(await collect(resumed, 12))).toEqual(uninterrupted.slice(8));
  });

  test('a run’s folder holds config, metrics, events and checkpoints with a model; it is not overwritten', async () => {
    const saved: string[] = [];
    const trainer = make({ out: folder, evalEvery: 4 }, { saveModel: async (path) => void saved.push(path) });
    await trainer.run({ steps: 8 });
    const names = (await readdir(folder)).sort();
    expect(names).toEqual([
      'checkpoints',
      'config.json',
      expect.stringMatching(/^events\.out\.tfevents\.\d{10}\.gimbal\.\d+\.0$/),
      'metrics.jsonl',
    ]);
    expect(JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'))).toMatchObject({
      config: { hidden: 8 },
      options: { seed: 3, learningRate: 'schedule', optimizer: { name: 'adamw', beta1: 0.9 } },
    });
    const rows = await readMetrics(folder);
    expect(rows.map((r) => 'evalLoss' in r)).toEqual([false, false, false, true, false, false, false, true]);
    expect(saved.every((path) => path.endsWith('/model'))).toBe(true);
    // one event per step and the version
    expect((await stat(join(folder, names[2] as string))).size).toBeGreaterThan(8 * 100);
    const again = make({ out: folder });
    await expect(again.run({ steps: 1 })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('a run stands there already'),
    });
  });

  test('best and latest are kept through a resume, and early stopping counts evaluations without progress', async () => {
    const script = [3, 1, 2, 2, Number.NaN, 2];
    const evaluating = (trainer: { step: number }[]) => async () => ({
      loss: script[(trainer[0]?.step ?? 0) - 1] as number,
    });
    const holder: { step: number }[] = [];
    const options = { out: folder, evalEvery: 1 };
    const first = make(options, { evaluate: evaluating(holder) });
    holder[0] = first;
    const checkpoints = (): Promise<string[]> => readdir(join(folder, 'checkpoints')).then((n) => n.sort());
    for await (const s of first.train({ steps: 3 }))
      if (s.step > 1) expect(await checkpoints()).toContain('step-00000002');
    const setup = { ...(regression(options) as unknown as LoopSetup<never>), evaluate: evaluating(holder) };
    const second = await LoopTrainer.resume(folder, setup);
    holder[0] = second;
    expect(second.best).toEqual({ step: 2, loss: 1 });
    for await (const _ of second.train({ steps: 6 })) expect(await checkpoints()).toContain('step-00000002');
    expect(await checkpoints()).toEqual(['step-00000002', 'step-00000006']);
    expect((await loadCheckpoint(folder, { which: 'best' })).step).toBe(2);
    expect(second.best).toEqual({ step: 2, loss: 1 });

    const stopping = make({ evalEvery: 1, earlyStop: { patience: 3 } }, { evaluate: evaluating(holder) });
    holder[0] = stopping;
    expect((await collect(stopping, 6)).length).toBe(5); // best at 2; 3, 4 and 5 bring nothing
    expect(stopping.stopReason).toBe('early');
  });

  test('only every n-th step is read back and yielded, and the last one', async () => {
    const all = await collect(make(), 10);
    const trainer = make({ logEvery: 4 });
    const some = await collect(trainer, 10);
    expect(some.map((s) => s.step)).toEqual([4, 8, 10]);
    expect(losses(some)).toEqual([4, 8, 10].map((i) => all[i - 1]?.loss));
  });

  describe('the NaN guard', () => {
    test('names the parameter that holds a NaN, and changes nothing', async () => {
      const trainer = make({ out: folder, checkpointEvery: 2 });
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
          /the loss is NaN: parameter out\.weight holds NaN at element 5\. The last good checkpoint is .*step-00000002; lower the learning rate/,
        ),
      });
      expect(values(trainer.params)).toEqual(before);
      expect((await loadCheckpoint(folder)).step).toBe(2);
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
        message: expect.stringMatching(
          good ? new RegExp(`The last good checkpoint is .*${good}`) : /Nothing was saved/,
        ),
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

  test('one step, twenty saves: tensors and bytes stay flat', async () => {
    const before = memory().numTensors;
    const setup = regression();
    const trainer = new LoopTrainer(setup);
    await trainer.run({ steps: 1 });
    const { numTensors, numBytes } = memory();
    for (let i = 0; i < 20; i++) {
      await trainer.save(join(folder, 'saved'));
      expect(memory()).toMatchObject({ numTensors, numBytes });
    }
    expect(await readdir(folder)).toEqual(['saved']);
    const resumed = await LoopTrainer.resume(join(folder, 'saved'), setup);
    expect(values(resumed.params)).toEqual(values(trainer.params));
    for (const t of [trainer, resumed]) t.dispose();
    disposeTree(setup.params);
    expect(memory().numTensors).toBe(before);
  });

  test('a checkpoint of another run is refused, naming the option or the tensor', async () => {
    await make({ out: folder }).run({ steps: 1 });
    const resume = (options: Partial<LoopOptions>, change: object = {}): Promise<unknown> =>
      LoopTrainer.resume(folder, { ...(regression(options) as unknown as LoopSetup<never>), ...change });
    await expect(resume({ batchSize: 4 })).rejects.toThrow('options.batchSize differs; got 8, wanted 4');
    await expect(resume({ optimizer: { name: 'adamw', beta2: 0.95 } })).rejects.toThrow(
      'options.optimizer.beta2 differs; got 0.999, wanted 0.95',
    );
    await expect(resume({}, { config: { hidden: 16 } })).rejects.toThrow('config.hidden differs; got 8, wanted 16');
    await expect(resume({}, { params: { other: tensor1d([1]) } })).rejects.toThrow('params: there is no tensor other');
    const wider = regression().params as Net;
    wider.out.weight = tensor2d([[1, 2]]);
    await expect(resume({}, { params: wider })).rejects.toThrow(
      'params: tensor out.weight; got "float32 [8,1]", wanted float32 [1,2]',
    );
    await expect(LoopTrainer.resume(join(folder, 'none'), regression())).rejects.toThrow(
      'there is no valid checkpoint',
    );
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
  });
});

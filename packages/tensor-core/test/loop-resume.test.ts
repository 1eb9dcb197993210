/** What a run of the training loop saves, and how it goes on from there: to the bit. */
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/use-backend.node.ts';
import { loadCheckpoint } from '../src/checkpoint/load.node.ts';
import type { LoopOptions } from '../src/contracts/loop.ts';
import type { LoopSetup, TrainStep } from '../src/training/loop-setup.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import { readMetrics } from '../src/training/metrics-log.node.ts';
import { disposeTree } from '../src/tree/memory.ts';
import { availableBackends } from './helpers/backends.ts';
import { collect, losses, make, values } from './helpers/loop.ts';
import { type Net, regression } from './helpers/regression.ts';
import '../src/training/run-storage.node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-train-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe.each(await availableBackends('cpu', 'wasm', 'native'))('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test.each([
    { name: 'adamw' },
    { name: 'sgd', momentum: 0.9 },
    { name: 'adafactor' },
    { name: 'rmsprop', form: 'tensorflow', momentum: 0.9 },
    { name: 'lion' },
    { name: 'muon' },
  ] as const)('a resumed run gives the next 20 losses of the uninterrupted one to the bit: %j', async (optimizer) => {
    const options = { optimizer, accumulate: 2, checkpointEvery: 13 };
    const whole = make(options);
    const uninterrupted = losses(await collect(whole, 33));
    const out = join(folder, optimizer.name);
    const first = make({ ...options, out });
    // as a kill after step 15 leaves it (leaving the loop would save): the checkpoint is that of step 13
    const killed = first.train({ steps: 33 });
    while (first.step < 15) await killed.next();
    first.dispose();
    await killed.return(); // closes its files
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

  test('a run that its evaluations have ended stays ended when it is resumed, unless its patience is raised', async () => {
    const holder: { step: number }[] = [];
    const evaluate = async () => ({ loss: [3, 1, 2, 2, 2, 2, 2][(holder[0]?.step ?? 0) - 1] as number });
    const options = (patience: number) => ({ out: folder, evalEvery: 1, earlyStop: { patience } });
    using first = make(options(2), { evaluate });
    holder[0] = first;
    expect((await collect(first, 7)).length).toBe(4);
    const resumed = async (patience: number): Promise<LoopTrainer<never>> => {
      const setup = { ...(regression(options(patience)) as unknown as LoopSetup<never>), evaluate };
      const trainer = await LoopTrainer.resume(folder, setup);
      holder[0] = trainer;
      await trainer.run({ steps: 7 });
      trainer.dispose();
      return trainer;
    };
    for (let again = 0; again < 2; again++) expect(await resumed(2)).toMatchObject({ step: 4, stopReason: 'early' });
    expect(await resumed(4)).toMatchObject({ step: 6, stopReason: 'early' });
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
    await expect(resume({ batchSize: 4 })).rejects.toThrow('options.batchSize differs; got 4, wanted 8');
    await expect(resume({ optimizer: { name: 'adamw', beta2: 0.95 } })).rejects.toThrow(
      'options.optimizer.beta2 differs; got 0.95, wanted 0.999',
    );
    await expect(resume({}, { config: { hidden: 16 } })).rejects.toThrow('config.hidden differs; got 16, wanted 8');
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
});

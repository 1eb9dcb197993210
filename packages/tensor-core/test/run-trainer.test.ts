import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, type Scalar, scalar } from '@tensorflow/tfjs-core';
import { checkVersion } from '../src/checkpoint/version-match.ts';
import {
  type Advance,
  disposeTree,
  type LoadedCheckpoint,
  latestCheckpoint,
  loadRun,
  type Params,
  passes,
  type RunContent,
  RunTrainer,
  readMetrics,
  type TrainRequest,
  useBackend,
  variables,
} from '../src/index.ts';

beforeAll(() => useBackend('auto'));

interface Row {
  readonly step: number;
  readonly value: number;
  readonly note: string;
}
type Options = {
  out?: string;
  checkpointEvery?: number;
  stride?: number;
  stopAt?: number;
  nanAt?: number;
  bestAt?: number;
};

/** Counts: its parameter is the number of steps. */
class Counter extends RunTrainer<Row> {
  readonly params: Params;
  frees = 0;
  #step = 0;

  constructor(readonly o: Options = {}) {
    super({ name: 'counter', out: o.out, checkpointEvery: o.checkpointEvery });
    const fresh = { x: scalar(0) };
    this.params = variables(fresh);
    disposeTree(fresh);
  }
  static async resume(from: string, o: Options = {}): Promise<Counter> {
    return new Counter(o).restore(await loadRun(from));
  }
  get step(): number {
    return this.#step;
  }
  get value(): number {
    return (this.params.x as Scalar).dataSync<'float32'>()[0] as number;
  }
  protected async advance(_: TrainRequest): Promise<Advance<Row> | undefined> {
    this.#step += this.o.stride ?? 1;
    const next = scalar(this.#step >= (this.o.nanAt ?? Number.POSITIVE_INFINITY) ? Number.NaN : this.#step);
    (this.params.x as unknown as { assign(t: Scalar): void }).assign(next);
    next.dispose();
    if (this.#step % 2 === 1) return undefined;
    const row = { value: this.#step, note: 'text is not logged' };
    return { row, isBest: this.#step === this.o.bestAt, stop: this.#step === this.o.stopAt };
  }
  protected parameters(): Params {
    return this.params;
  }
  protected trees(): Record<string, Params> {
    return { params: this.params };
  }
  protected content(): RunContent {
    return { copies: { extra: { y: scalar(7) } }, state: { step: this.#step } };
  }
  protected config(): object {
    return { stride: this.o.stride ?? 1 };
  }
  protected async restoreState(saved: LoadedCheckpoint): Promise<void> {
    this.#step = (saved.state as { step: number }).step;
    const extra = await saved.tree('extra');
    expect((extra.y as Scalar).dataSync()[0]).toBe(7);
    disposeTree(extra);
  }
  protected free(): void {
    this.frees++;
    disposeTree(this.params);
  }
}

const inFolder = async (f: (dir: string) => Promise<void>): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'run-trainer-'));
  try {
    await f(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
};

test('yields and logs the steps that have a line, saves at the end, and goes on from there', () =>
  inFolder(async (out) => {
    using first = new Counter({ out });
    const seen: number[] = [];
    for await (const { step } of first.train({ steps: 5 })) seen.push(step);
    expect(seen).toEqual([2, 4]);
    expect((await readMetrics(out)).map(({ step, value }) => [step, value])).toEqual([
      [2, 2],
      [4, 4],
    ]);
    expect((await readMetrics(out))[0]).not.toHaveProperty('note');
    using second = await Counter.resume(out, { out });
    expect([second.step, second.value]).toEqual([5, 5]);
    expect((await second.run({ steps: 8 }))?.step).toBe(8);
    expect((await readMetrics(out)).map(({ step }) => step)).toEqual([2, 4, 6, 8]);
    await expect(new Counter({ out }).run({ steps: 2 })).rejects.toThrow('a run stands there already');
  }));

test('another configuration is refused, and nothing leaks', () =>
  inFolder(async (out) => {
    const before = memory().numTensors;
    using first = new Counter({ out });
    await first.run({ steps: 2 });
    await first.save(join(out, 'here'));
    first.dispose();
    await expect(Counter.resume(out, { stride: 2 })).rejects.toThrow('stride differs; got 2, wanted 1');
    expect(memory().numTensors).toBe(before);
    expect(first.frees).toBe(1);
    await expect(first.save(join(out, 'there'))).rejects.toThrow('counter, save: the trainer was disposed');
    await expect(first.run({ steps: 3 })).rejects.toThrow('counter, train: the trainer was disposed');
  }));

test('parameters that are not finite are never saved', () =>
  inFolder(async (out) => {
    using trainer = new Counter({ out, checkpointEvery: 2, nanAt: 5 });
    await expect(trainer.run({ steps: 8 })).rejects.toThrow(
      /training, after step 6: parameter x holds NaN at element 0.*step-00000004/s,
    );
    expect(await latestCheckpoint(out)).toContain('step-00000004');
    await expect(trainer.save(join(out, 'here'))).rejects.toThrow('parameter x holds NaN');
  }));

test('parameters that are not finite are not handed over at the end either, where nothing is saved', async () => {
  using trainer = new Counter({ nanAt: 8 });
  const steps: number[] = [];
  const training = async (): Promise<void> => {
    for await (const { step } of trainer.train({ steps: 8 })) steps.push(step);
  };
  await expect(training()).rejects.toThrow('training, after step 8: parameter x holds NaN at element 0');
  expect(steps).toEqual([2, 4, 6, 8]);
});

test.each([
  ['1.4.0', '1.5.2', true],
  ['1.4.0', '2.0.0', false],
  ['0.1.3', '0.1.0', true],
  ['0.1.3', '0.2.0', false],
  ['source', '2.0.0', true],
  ['2.0.0', 'source', true],
])('a checkpoint of version %s is gone on with by version %s: %s', (saved, own, goes) => {
  const check = (): void => checkVersion(saved, 'runs/x/step-1', own);
  if (goes) expect(check).not.toThrow();
  else
    expect(check).toThrow(
      `runs/x/step-1: the checkpoint was written by another major version of the library; got "${saved}"`,
    );
});

test('a signal stops it between two steps, a line may end it, and a caller may leave', () =>
  inFolder(async (out) => {
    const controller = new AbortController();
    using trainer = new Counter({ out });
    const steps = trainer.train({ steps: 100, signal: controller.signal });
    await steps.next();
    controller.abort();
    expect(await steps.next()).toEqual({ done: true, value: { aborted: true } });
    expect((await loadRun(out)).step).toBe(2);
    using other = new Counter({ stopAt: 6 });
    expect((await other.run({ steps: 100 }))?.step).toBe(6);
    const left = other.train({ steps: 100 });
    await left.next();
    await expect(other.run({ steps: 100 })).rejects.toThrow('it trains already');
    await left.return?.({ aborted: false });
    expect((await other.run({ steps: 10 }))?.step).toBe(10);
    const both = await Promise.allSettled([other.run({ steps: 12 }), other.run({ steps: 12 })]);
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(other.step).toBe(12);
    await expect(other.run({ steps: 13, signal: controller as never })).rejects.toThrow('counter, train: signal');
  }));

test('what cannot be is refused before anything is done', async () => {
  expect(() => new Counter({ checkpointEvery: 2 })).toThrow('checkpointEvery: there is nowhere to save');
  using trainer = new Counter();
  await expect(trainer.run({ steps: -1 })).rejects.toThrow('counter, train: steps; got -1');
  await expect(loadRun('/nowhere')).rejects.toThrow('/nowhere');
});

test('a multiple of the interval lies in the last stride, or does not', () => {
  expect([passes(10, 8, 16), passes(10, 11, 19), passes(10, 19, 20), passes(undefined, 0, 9)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});

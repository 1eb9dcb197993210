import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, type Scalar, scalar } from '@tensorflow/tfjs-core';
import { checkVersion } from '../src/checkpoint/version-match.ts';
import {
  type Advance,
  disposeTree,
  type LoadedCheckpoint,
  latestCheckpoint,
  loadRun,
  MetricsLog,
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

test('leaving the loop saves what was done; a step that fails does not', () =>
  inFolder(async (out) => {
    using first = new Counter({ out });
    for await (const { step } of first.train({ steps: 8 })) if (step === 4) break;
    expect(await latestCheckpoint(out)).toContain('step-00000004');
    using second = await Counter.resume(out, { out });
    await expect(
      (async () => {
        for await (const _ of second.train({ steps: 8 })) throw new Error('of the loop');
      })(),
    ).rejects.toThrow('of the loop');
    expect(await latestCheckpoint(out)).toContain('step-00000006');
    class Failing extends Counter {
      protected override async advance(request: TrainRequest): Promise<Advance<Row> | undefined> {
        if (this.step === 2) throw new Error('of the step');
        return super.advance(request);
      }
    }
    using failing = new Failing({ out: join(out, 'failing') });
    await expect(failing.run({ steps: 8 })).rejects.toThrow('of the step');
    expect(await latestCheckpoint(join(out, 'failing'))).toBeUndefined();
    // nor one that is disposed meanwhile
    const disposed = new Counter({ out: join(out, 'disposed') });
    for await (const _ of disposed.train({ steps: 8 })) {
      disposed.dispose();
      break;
    }
    expect(await latestCheckpoint(join(out, 'disposed'))).toBeUndefined();
  }));

test('one trainer writes into a folder at a time', () =>
  inFolder(async (out) => {
    using first = new Counter({ out });
    await first.run({ steps: 2 });
    using second = await Counter.resume(out, { out });
    const third = await Counter.resume(out, { out });
    const running = third.train({ steps: 8 });
    await running.next();
    await expect(second.run({ steps: 8 })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(
        /out: another trainer writes there; got ".*process \d+ since .*delete .*\.training\.lock/,
      ),
    });
    third.dispose(); // its loop was left without an end
    expect((await second.run({ steps: 8 }))?.step).toBe(8);
    await running.return({ aborted: true }); // closes its files
    expect((await readMetrics(out)).map(({ step }) => step)).toEqual([2, 4, 6, 8]);
    // of a process that was killed, and of another machine's
    for (const host of [hostname(), 'elsewhere']) {
      await writeFile(join(out, '.training.lock'), JSON.stringify({ pid: 2 ** 22 + 1, host }));
      using again = await Counter.resume(out, { out });
      await again.run({ steps: again.step + 2 });
    }
    expect(await readdir(out)).not.toContain('.training.lock');
  }));

test('a trainer that is disposed in a step keeps its folder until the step has ended', () =>
  inFolder(async (out) => {
    let [go, begun] = [() => {}, () => {}];
    const waits = new Promise<void>((resolve) => {
      go = resolve;
    });
    const stands = new Promise<void>((resolve) => {
      begun = resolve;
    });
    class Slow extends Counter {
      protected override async advance(request: TrainRequest): Promise<Advance<Row> | undefined> {
        if (this.step === 2) {
          begun();
          await waits;
        }
        return super.advance(request);
      }
    }
    const slow = new Slow({ out });
    const running = slow.train({ steps: 8 });
    await running.next();
    const next = running.next().then(
      () => 'a step',
      () => 'an error',
    );
    await stands;
    slow.dispose();
    expect(await readdir(out)).toContain('.training.lock');
    go();
    await next;
    await running.return({ aborted: true });
    expect(await readdir(out)).not.toContain('.training.lock');
  }));

test('a log that cannot be closed leaves the folder free', () =>
  inFolder(async (out) => {
    const { close } = MetricsLog.prototype;
    MetricsLog.prototype.close = async function (this: MetricsLog) {
      await close.call(this);
      throw new Error('of the disk');
    };
    try {
      using counter = new Counter({ out });
      await expect(counter.run({ steps: 2 })).rejects.toThrow('of the disk');
    } finally {
      MetricsLog.prototype.close = close;
    }
    expect(await readdir(out)).not.toContain('.training.lock');
  }));

test('a folder that cannot be written, and one without a name, are told as such', () =>
  inFolder(async (out) => {
    await mkdir(join(out, '.training.lock')); // which no file can be written over
    using counter = new Counter({ out });
    await expect(counter.run({ steps: 2 })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining('out: the folder cannot be written (EISDIR)'),
    });
    expect(() => new Counter({ out: '  ' })).toThrow('out: no folder');
    await expect(counter.save('  ')).rejects.toThrow('save: no folder');
  }));

test('what can be no folder is refused when the trainer is made, and a folder that cannot be made when it trains', () =>
  inFolder(async (dir) => {
    const file = join(dir, 'file');
    await writeFile(file, '');
    const refused: [unknown, string][] = [
      [7, 'out: no folder; got 7, wanted the path of a folder'],
      ['', 'out: no folder; got "", wanted the path of a folder'],
      [file, `out: ${file} is a file`],
      [join(file, 'below'), `out: ${file} is a file`],
    ];
    const before = memory().numTensors;
    for (const [out, message] of refused) expect(() => new Counter({ out: out as string })).toThrow(message);
    expect(memory().numTensors).toBe(before);
    if (process.platform !== 'linux') return;
    using counter = new Counter({ out: '/proc/none' });
    await expect(counter.run({ steps: 2 })).rejects.toThrow(
      'out: the folder cannot be made (ENOENT); got "/proc/none"',
    );
    await expect(counter.save('/proc/none/saved')).rejects.toMatchObject({ code: 'ENOENT' });
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
      `runs/x/step-1: the checkpoint was written by another major version of the library; got "${own}", wanted ${saved}. `,
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

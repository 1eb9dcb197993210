/** What a trainer adds to the loop: data made before each update, and trees of its own. Exact: every number is a power of 2. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memory, mul, type Scalar, sub, sum, type Tensor, tensor1d, tidy, type Variable } from '@tensorflow/tfjs-core';
import { useBackend } from '../src/backend/use-backend.node.ts';
import { loadCheckpoint } from '../src/checkpoint/load.node.ts';
import { StoppedError } from '../src/errors.ts';
import { assignTree } from '../src/optim/assign.ts';
import type { LoopSetup, PrepareContext } from '../src/training/loop-setup.ts';
import { LoopTrainer } from '../src/training/loop-trainer.ts';
import '../src/training/run-storage.node.ts';
import { disposeTree, variables } from '../src/tree/memory.ts';
import type { Params } from '../src/tree/params.ts';
import { availableBackends } from './helpers/backends.ts';
import { collect, values } from './helpers/loop.ts';

/** w moves by −½ (what was prepared − anchor): the first is drawn from a counter, the second is a tree of the trainer. */
class Source {
  readonly seen: { step: number; w: number; anchor: number; states: string[] }[] = [];
  readonly anchor: Params;
  drawn = 0;
  fails: Error | undefined;
  #prepared = 0;

  constructor() {
    const fresh = { a: tensor1d([1]) };
    this.anchor = variables(fresh);
    disposeTree(fresh);
  }
  async prepare({ step, params, optimizerState, signal }: PrepareContext): Promise<void> {
    expect(signal).toBeUndefined();
    const read = (t: unknown): number => (t as Tensor).dataSync<'float32'>()[0] as number;
    this.seen.push({ step, w: read(params.w), anchor: read(this.anchor.a), states: Object.keys(optimizerState) });
    this.drawn++;
    if (this.fails !== undefined) throw this.fails;
    this.#prepared = this.drawn;
    // every second step the anchor becomes what the parameter is now
    if (step % 2 === 1) assignTree(this.anchor, { a: params.w as Variable }, 'anchor');
  }
  next(): number {
    return this.#prepared;
  }
  state(): unknown {
    return this.drawn;
  }
  restore(state: unknown): void {
    this.drawn = state as number;
  }
  setup(out?: string): LoopSetup<number> {
    return {
      params: { w: tensor1d([0]) },
      batches: this,
      prepare: (context) => this.prepare(context),
      trees: { anchor: this.anchor },
      loss: (p, x) => ({
        sum: tidy(() => sum<Scalar>(mul(p.w as Tensor, sub(x, this.anchor.a as Tensor)))),
        weight: 1,
      }),
      options: {
        learningRate: 0.5,
        optimizer: { name: 'sgd' },
        batchSize: 1,
        seed: 0,
        ...(out !== undefined && { out }),
      },
    };
  }
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-hooks-'));
});
afterEach(() => rm(folder, { recursive: true }));

const train = (source: Source, out?: string): LoopTrainer<never> =>
  new LoopTrainer(source.setup(out)) as unknown as LoopTrainer<never>;
const resume = async (source: Source, out: string): Promise<LoopTrainer<never>> =>
  (await LoopTrainer.resume(out, source.setup(out))) as unknown as LoopTrainer<never>;

describe.each(await availableBackends('cpu', 'wasm', 'native'))('on %s', (backend) => {
  beforeAll(() => useBackend(backend));

  test('prepare sees each update’s parameters before it, and what it made is learnt from', async () => {
    const source = new Source();
    const trainer = train(source);
    await collect(trainer, 4);
    // by hand: w ← w − ½(x − a); x = 1, 2, 3, 4; a = 1, then w before the 2nd and before the 4th update
    expect(source.seen.map(({ step, w, anchor }) => [step, w, anchor])).toEqual([
      [0, 0, 1],
      [1, 0, 1],
      [2, -1, 0],
      [3, -2.5, 0],
    ]);
    expect(values(trainer.params)).toEqual([[-2.5 - 0.5 * (4 - -2.5)]]);
    expect(source.seen[0]?.states).toContain('step');
  });

  test('trees are saved and come back into the same variables; they stay when the trainer goes', async () => {
    const whole = new Source();
    const uninterrupted = train(whole);
    await collect(uninterrupted, 6);
    await collect(train(new Source(), folder), 3);
    const source = new Source();
    const { numTensors } = memory();
    const resumed = await resume(source, folder);
    expect(values(source.anchor)).toEqual([[0]]);
    expect((await loadCheckpoint(folder)).step).toBe(3);
    await collect(resumed, 6);
    expect(source.seen).toEqual(whole.seen.slice(3));
    expect(values(resumed.params)).toEqual(values(uninterrupted.params));
    expect(values(source.anchor)).toEqual(values(whole.anchor));
    resumed.dispose();
    expect(values(source.anchor)).toEqual(values(whole.anchor));
    expect(memory().numTensors).toBe(numTensors + 1); // the setup's own w
  });

  test('stopped while it prepares: as by a signal, saved, and to go on from', async () => {
    const whole = new Source();
    await collect(train(whole), 5);
    const source = new Source();
    const trainer = train(source, folder);
    await collect(trainer, 2);
    source.fails = new StoppedError({ where: 'prepare', what: 'stopped' });
    expect(await collect(trainer, 5)).toEqual([]);
    expect([trainer.step, trainer.stopReason, source.drawn]).toEqual([2, 'signal', 2]);
    source.fails = undefined;
    const again = new Source();
    const resumed = await resume(again, folder);
    await collect(resumed, 5);
    expect(again.seen).toEqual(whole.seen.slice(2));
    // and so does the same trainer, its third preparation the second time
    await collect(trainer, 4);
    expect(source.seen.slice(3)).toEqual(whole.seen.slice(2, 4));
  });

  test('another error of prepare is the caller’s: no update, no save, and the trainer trains on', async () => {
    const source = new Source();
    const trainer = train(source, folder);
    source.fails = new RangeError('no samples');
    await expect(trainer.run({ steps: 2 })).rejects.toThrow('no samples');
    expect([trainer.step, values(trainer.params)]).toEqual([0, [[0]]]);
    await expect(loadCheckpoint(folder)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
    source.fails = undefined;
    expect((await trainer.run({ steps: 1 }))?.step).toBe(1);
  });
});

test.each(['params', 'optimizer'])('a tree of the name %s is refused, with nothing allocated', (name) => {
  const source = new Source();
  const setup = { ...source.setup(), trees: { [name]: source.anchor } };
  const { numTensors } = memory();
  expect(() => new LoopTrainer(setup)).toThrow(`trees.${name}: the loop saves a tree of this name itself`);
  expect(memory().numTensors).toBe(numTensors);
});

// Runs that go on in their folders, and those that are refused.
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics, useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import {
  a2c,
  dqn,
  evaluate,
  mdpo,
  mdpoOffPolicy,
  OffPolicyAgent,
  OnPolicyAgent,
  ppo,
  sac,
  surrogates,
  td3,
  trpo,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
});
afterEach(() => rm(dir, { recursive: true }));

const env = (): Track => new Track();
const often = { evalEvery: 64, evalEpisodes: 2, checkpointEvery: 32, keepCheckpoints: 3 };
const kinds = {
  OnPolicyAgent: {
    create: (o: object = {}) => OnPolicyAgent.create({ env, rollout: 32, hidden: [8], seed: 1, ...o }),
    resume: OnPolicyAgent.resume,
  },
  OffPolicyAgent: {
    create: (o: object = {}) =>
      OffPolicyAgent.create({
        ...{ algorithm: 'dqn', env, hidden: [8], batchSize: 8, learningStarts: 16, logEvery: 32, seed: 1 },
        ...o,
      }),
    resume: OffPolicyAgent.resume,
  },
} as const;
type Either = OnPolicyAgent | OffPolicyAgent;
type Resume = (from: string, given: object, o?: { which?: 'latest' | 'best' }) => Promise<Either>;

const saved = async (run = dir): Promise<number[]> =>
  (await readdir(join(run, 'checkpoints'))).map((name) => Number(name.slice(5))).sort((a, b) => a - b);
const logged = async (run = dir): Promise<number[]> => (await readMetrics(run)).map(({ step }) => step);

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (kind) => {
  const { create } = kinds[kind];
  const resume = kinds[kind].resume as Resume;
  const run = async (o: object = {}): Promise<void> => {
    using agent: Either = await create({ out: dir, ...often, ...o });
    await agent.run({ steps: 96 });
  };

  test('a run goes on in its folder: it is logged, saved and evaluated as before', async () => {
    await run();
    for (const from of [dir, join(dir, 'checkpoints'), `${dir}/`]) {
      using agent = await resume(from, { env });
      const { step } = agent;
      await agent.run({ steps: step + 64 });
      expect((await saved()).at(-1)).toBe(step + 64);
    }
    expect(await logged()).toEqual([32, 64, 96, 128, 160, 192, 224, 256, 288]);
    expect((await saved()).slice(-3)).toEqual([224, 256, 288]);
    const evaluated = (await readMetrics(dir)).filter((row) => row.evalReturn !== undefined);
    expect(evaluated.map(({ step }) => step)).toEqual([64, 96, 160, 224, 288]);
  });

  test('elsewhere where out says so, nowhere where it is undefined', async () => {
    await run();
    const other = join(dir, 'other');
    using moved = await resume(dir, { env, out: other });
    await moved.run({ steps: 160 });
    using unsaved = await resume(dir, { env, out: undefined, evalEvery: undefined });
    const last = await unsaved.run({ steps: 160 });
    expect([last?.step, last?.evalReturn]).toEqual([160, undefined]);
    expect([await saved(other), await logged(other)]).toEqual([
      [128, 160],
      [128, 160],
    ]);
    expect((await saved()).at(-1)).toBe(96);
    expect((await logged()).at(-1)).toBe(96);
    await expect(resume(dir, { env, out: undefined, checkpointEvery: 32 })).rejects.toThrow('there is nowhere to save');
  });

  test('a lone checkpoint, one of a run’s, and the best one are saved nowhere', async () => {
    await run();
    using agent: Either = await resume(dir, { env, out: undefined });
    const lone = join(dir, 'lone');
    await agent.save(lone);
    const one = join(dir, 'checkpoints', 'step-00000096');
    const before = [await saved(), await logged()];
    for (const from of [lone, one]) {
      using again = await resume(from, { env });
      expect((await again.run({ steps: 128 }))?.evalReturn).toBeDefined();
    }
    using best = await resume(dir, { env }, { which: 'best' });
    await best.run({ steps: best.step + 32 });
    expect([await saved(), await logged()]).toEqual(before);
    expect((await readdir(lone)).filter((name) => !/\.(json|safetensors)$/.test(name))).toEqual([]);
  });

  test('the best of a run that was never evaluated is refused', async () => {
    await run({ evalEvery: undefined });
    await expect(resume(dir, { env }, { which: 'best' })).rejects.toThrow(
      'the best checkpoint: nothing was evaluated in training. Train with evalEvery, or take the latest',
    );
    await expect(resume(dir, { env }, { which: 'newest' as never })).rejects.toThrow(`${kind}.resume, which: no such`);
  });

  test('environments to evaluate on are given again, or none', async () => {
    await run({ evalEnv: () => new Track({ limit: 5 }) });
    await expect(resume(dir, { env })).rejects.toThrow(
      'resume, evalEnv: it was a function, which no checkpoint holds. Give evalEnv again, or evalEvery: undefined',
    );
    (await resume(dir, { env, evalEnv: env })).dispose();
    (await resume(dir, { env, evalEvery: undefined })).dispose();
  });

  test('with another time limit it is played, not trained on', async () => {
    await run();
    using shorter = await resume(dir, { env: () => new Track({ limit: 10 }) });
    expect((await evaluate(shorter, { episodes: 1, seed: 1 })).lengths).toEqual([10]);
    await expect(shorter.run({ steps: 128 })).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining(
        'the checkpoint is of Track-v0 with another time limit; got "maxSteps 10", wanted maxSteps 20',
      ),
    });
    using endless = await resume(dir, { env: () => new Track({ limit: Number.POSITIVE_INFINITY }) });
    await expect(endless.run({ steps: 128 })).rejects.toThrow('got "none", wanted maxSteps 20');
    expect(await logged()).toEqual([32, 64, 96]);
  });

  test('without an environment, or of another class, it says what to write', async () => {
    await expect((resume as (from?: string) => Promise<unknown>)()).rejects.toThrow(`${kind}.resume: which run?`);
    await expect((resume as (from: string) => Promise<unknown>)(dir)).rejects.toThrow(
      `${kind}.resume: there is no environment. Give { env }, as ${kind}.resume("${dir}", { env: () => makeEnv(…) })`,
    );
    await expect(resume(dir, {})).rejects.toThrow('env: it is no function that makes an environment');
    await run();
    const other = kind === 'OnPolicyAgent' ? 'OffPolicyAgent' : 'OnPolicyAgent';
    const algorithm = kind === 'OnPolicyAgent' ? 'on-policy' : 'dqn';
    await expect((kinds[other].resume as Resume)(dir, { env })).rejects.toMatchObject({
      name: 'CheckpointError',
      message: expect.stringContaining(`this run is of ${algorithm}. Use ${kind}.resume`),
    });
  });
});

test('options of the other class, and none, say what to use', async () => {
  const on = (o?: object): Promise<unknown> => OnPolicyAgent.create(o as never);
  const off = (o?: object): Promise<unknown> => OffPolicyAgent.create(o as never);
  const here = { env, seed: 1 };
  await expect(on()).rejects.toThrow('OnPolicyAgent.create: the options are no object');
  await expect(off()).rejects.toThrow('OffPolicyAgent.create: the options are no object');
  for (const preset of [sac(), td3(), dqn()])
    await expect(on({ ...preset, ...here })).rejects.toThrow(
      `OnPolicyAgent.create: ${preset.algorithm} is of OffPolicyAgent. Use OffPolicyAgent.create`,
    );
  await expect(on({ ...mdpoOffPolicy(), ...here })).rejects.toThrow('mdpo is of OffPolicyAgent');
  for (const preset of [ppo(), a2c(), mdpo(), trpo()])
    await expect(off({ ...preset, ...here })).rejects.toThrow(
      `OffPolicyAgent.create: ${preset.algorithm} is of OnPolicyAgent. Use OnPolicyAgent.create`,
    );
  await expect(on({ ...here, buffer: {} })).rejects.toThrow('buffer: options of OffPolicyAgent');
  // one that went astray is named
  await expect(on({ ...ppo(), ...here, batchSize: 64 })).rejects.toThrow(
    'batchSize: ppo has no such option (agents off',
  );
  for (const create of [on, off])
    await expect(create({ env })).rejects.toThrow(
      'seed: it is missing; wanted a whole number from 0 to 2^53 − 1. Give seed: 0',
    );
});

test('no steps and no folder are told by name', async () => {
  for (const { create } of Object.values(kinds)) {
    using agent: Either = await create();
    const { algorithm } = agent.options;
    const wrong = agent as unknown as { run(o?: object): Promise<void>; save(dir?: string): Promise<void> };
    await expect(wrong.run()).rejects.toThrow(`${algorithm}, train: the options are no object`);
    await expect(wrong.save()).rejects.toThrow(
      `${algorithm}, save: no folder; got "undefined", wanted the path of one`,
    );
  }
});

test('what a run says goes to the caller’s own logger', async () => {
  const said: string[] = [];
  const rising = { learningRate: 3, epochs: 6, surrogate: surrogates.smdpo({ eta: 0.1 }), innerGuard: 'warn' };
  using agent = await kinds.OnPolicyAgent.create({ ...rising, warn: (text: string) => said.push(text) });
  await agent.run({ steps: 256 });
  expect(said).toEqual([expect.stringContaining('a pass lowered the surrogate')]);
});

// Runs that are stopped inside an episode and go on.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Env, useBackend } from '@gimbal/tensor-core';
import { mean, mul, type Scalar, scalar, square, sub, tensor1d, type Variable, variable } from '@tensorflow/tfjs-core';
import { Clocked, PlaceOnly } from '../../test/fixtures/clocked.ts';
import { NextStepEnvs, Numbered } from '../../test/fixtures/numbered.ts';
import { Track } from '../../test/fixtures/track.ts';
import { type AuxLoss, OffPolicyAgent, OnPolicyAgent, type Surrogate, surrogates } from '../index.ts';

beforeAll(() => useBackend('auto'));

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
});
afterEach(() => rm(dir, { recursive: true }));

type Row = { readonly [metric: string]: number };
type Agent = OnPolicyAgent | OffPolicyAgent;
const rows = async (agent: Agent, steps: number): Promise<Row[]> => {
  const all: Row[] = [];
  for await (const { stepsPerSecond: _, ...row } of agent.train({ steps })) all.push(row);
  return all;
};

// episodes of 20 steps, stopped after 50 of each copy
const kinds = {
  'on policy': {
    create: (env: () => Env) =>
      OnPolicyAgent.create({
        env,
        numEnvs: 2,
        rollout: 10,
        hidden: [8],
        seed: 1,
        normalize: { obs: true, reward: true },
      }),
    resume: (env: () => Env) => OnPolicyAgent.resume(dir, { env }),
  },
  'off policy': {
    create: (env: () => Env) =>
      OffPolicyAgent.create({
        algorithm: 'dqn',
        env,
        numEnvs: 2,
        hidden: [8],
        learningStarts: 20,
        batchSize: 8,
        trainEvery: 4,
        logEvery: 20,
        seed: 1,
        buffer: { capacity: 300, nStep: 3 },
      }),
    resume: (env: () => Env) => OffPolicyAgent.resume(dir, { env }),
  },
} as const;

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s', (kind) => {
  const { create, resume } = kinds[kind];
  const stopped = async (env: () => Env): Promise<void> => {
    using agent: Agent = await create(env);
    await rows(agent, 100);
    await agent.save(dir);
  };

  test('clocks and random streams go on with the environments’ snapshots', async () => {
    const env = (): Env => new Clocked();
    using whole: Agent = await create(env);
    const wanted = [...(await rows(whole, 100)), ...(await rows(whole, 200))];
    await stopped(env);
    using second: Agent = await resume(env);
    expect(await rows(second, 200)).toEqual(wanted.slice(wanted.length / 2));
    const ended = wanted.filter(({ episodes }) => (episodes as number) > 0);
    expect(ended.map(({ episodeLength }) => episodeLength)).toEqual(ended.map(() => 20));
  });

  test('a checkpoint from before snapshots goes on with new episodes, and says so', async () => {
    await stopped(() => new PlaceOnly());
    const { warn } = console;
    const said: string[] = [];
    console.warn = (text: string) => said.push(text);
    using second: Agent = await resume(() => new Clocked());
    expect(said).toEqual([]); // it may be there to be played only
    const after = await rows(second, 200).finally(() => {
      console.warn = warn;
    });
    expect(said).toEqual([expect.stringContaining('training goes on with new episodes')]);
    expect(after.at(-1)?.step).toBe(200);
    // of the two episodes that were left nothing is counted
    const ended = after.filter(({ episodes }) => (episodes as number) > 0);
    expect(ended.map(({ episodeLength }) => episodeLength)).toEqual(ended.map(() => 20));
    if (second instanceof OffPolicyAgent) {
      const { obs, nextObs, written, perEnv } = second.buffer;
      // three steps of .2 at most: nothing leads from the old episodes into the new
      for (let n = 0; n < 2; n++)
        for (let i = n * perEnv; i < n * perEnv + (written[n] as number); i++)
          expect(Math.abs((nextObs[2 * i] as number) - (obs[2 * i] as number))).toBeLessThan(0.61);
      // pending: two that were left, and two of the newest
      expect(written[0]).toBe(100 - 4);
    }
  });
});

describe('an abort', () => {
  const options = { numEnvs: 2, rollout: 10, hidden: [8], seed: 1, normalize: { obs: true, reward: true } };
  const clipped = surrogates.ppoClip();

  test.each(['a rollout', 'an update'])(
    'inside of %s ends the run after that update; from its checkpoint it goes on, to the bit',
    async (place) => {
      using whole = await OnPolicyAgent.create({ ...options, env: () => new Track() });
      const wanted = await rows(whole, 100);
      const controller = new AbortController();
      let [steps, losses] = [0, 0];
      // 20 steps and 16 minibatches are an update: the 30th and the 20th are of the second
      class Counted extends Track {
        override step(action: number): ReturnType<Track['step']> {
          if (++steps === 30 && place === 'a rollout') controller.abort();
          return super.step(action);
        }
      }
      const counted = Object.assign(
        (x: Parameters<Surrogate>[0]) => {
          if (++losses === 20 && place === 'an update') controller.abort();
          return clipped(x);
        },
        { surrogate: clipped.surrogate, options: clipped.options },
      );
      using first = await OnPolicyAgent.create({ ...options, env: () => new Counted(), surrogate: counted, out: dir });
      const run = first.train({ steps: 100, signal: controller.signal });
      const done: Row[] = [];
      let result = await run.next();
      for (; !result.done; result = await run.next()) {
        const { stepsPerSecond: _, ...row } = result.value;
        done.push(row);
      }
      expect([controller.signal.aborted, result.value]).toEqual([true, { aborted: true }]);
      expect(done).toEqual(wanted.slice(0, 2));
      using second = await OnPolicyAgent.resume(dir, { env: () => new Track() });
      expect(second.step).toBe(40);
      expect(await rows(second, 100)).toEqual(wanted.slice(2));
    },
  );
});

test('a state that given copies say lacks something is left, with a word', async () => {
  const envs = (): NextStepEnvs =>
    Object.assign(new NextStepEnvs([new Numbered(3)]), {
      hasState: true,
      getState: () => new Uint8Array(8),
      setState: () => {
        throw new Error('it is not asked');
      },
      isWhole: () => false,
    });
  using first = await OnPolicyAgent.create({ env: envs(), rollout: 10, hidden: [8], seed: 1 });
  await rows(first, 20);
  await first.save(dir);
  const { warn } = console;
  const said: string[] = [];
  console.warn = (text: string) => said.push(text);
  using second = await OnPolicyAgent.resume(dir, { env: envs() });
  const after = await rows(second, 40).finally(() => {
    console.warn = warn;
  });
  expect(said).toEqual([expect.stringContaining('(it is of an older version); training goes on with new episodes')]);
  expect(after.at(-1)?.step).toBe(40);
});

test('a state of another kind of environment is refused', async () => {
  using agent = await kinds['on policy'].create(() => new Clocked());
  await rows(agent, 100);
  await agent.save(dir);
  await expect(OnPolicyAgent.resume(dir, { env: () => new Track() })).rejects.toThrow(
    'the state is of an environment of another kind; got "snapshots"',
  );
});

test('further losses learn, and go on with their optimisers where the run does', async () => {
  // the place after a step, from the place before it: about the same
  const place = (w: Variable): AuxLoss => ({
    name: 'place',
    params: { w },
    learningRate: 0.05,
    loss(params, { obs, nextObs, rows: n }) {
      const column = (xs: Float32Array) => tensor1d(Array.from({ length: n }, (_, i) => xs[2 * i] as number));
      const guess = mul(column(obs), (params as { w: Variable }).w);
      return mean(square(sub(guess, column(nextObs)))) as Scalar;
    },
  });
  const options = { numEnvs: 2, rollout: 10, hidden: [8], seed: 1, env: () => new Clocked() };
  const w = [0, 0, 0].map((x) => variable(scalar(x))) as [Variable, Variable, Variable];
  using whole = await OnPolicyAgent.create({ ...options, auxLosses: [place(w[0])] });
  await rows(whole, 400);
  const learnt = w[0].dataSync()[0] as number;
  expect(learnt).toBeGreaterThan(0.5);
  using first = await OnPolicyAgent.create({ ...options, auxLosses: [place(w[1])] });
  await rows(first, 200);
  await first.save(dir);
  using second = await OnPolicyAgent.resume(dir, { env: options.env, auxLosses: [place(w[2])] });
  expect(w[2].dataSync()).toEqual(w[1].dataSync());
  await rows(second, 400);
  expect(w[2].dataSync()[0]).toBe(learnt);
  for (const v of w) v.dispose();
});

/** As one's own environments are: nothing in it saves it. */
class Stateless extends Track {
  override getState = undefined as never;
  override setState = undefined as never;
}

test.each(['on policy', 'off policy'] as const)(
  '%s, an environment that cannot be saved begins new episodes, with a word',
  async (kind) => {
    const env = (): Env => new Stateless();
    using agent: Agent = await kinds[kind].create(env);
    await rows(agent, 100);
    await agent.save(dir);
    const { warn } = console;
    const said: string[] = [];
    console.warn = (text: string) => said.push(text);
    using second: Agent = await kinds[kind].resume(env);
    const after = await rows(second, 200).finally(() => {
      console.warn = warn;
    });
    expect(said).toEqual([
      expect.stringContaining(
        '(they have no snapshot() and restore(), or getState() and setState()); training goes on',
      ),
    ]);
    expect(after.at(-1)?.step).toBe(200);
  },
);

test('saved without being trained, a checkpoint has no states, and that is what is said', async () => {
  class Other extends Track {
    override readonly spec = { ...new Track().spec, id: 'Other-v0' };
  }
  using agent = await kinds['on policy'].create(() => new Track());
  await rows(agent, 100);
  await agent.save(dir);
  using played = await OnPolicyAgent.resume(dir, { env: () => new Other() });
  await played.save(dir);
  const said: string[] = [];
  using second = await OnPolicyAgent.resume(dir, { env: () => new Other(), warn: (text) => said.push(text) });
  expect(said).toEqual([]);
  await rows(second, 120);
  expect(said).toEqual([
    expect.stringMatching(/: the checkpoint has no states of its environments; training goes on with new episodes$/),
  ]);
});

test.each([
  ['snapshots', () => new Clocked(), 'snapshot() and restore()'],
  ['states', () => new Track(), 'getState() and setState()'],
])('%s are refused by an environment that takes none back', async (_, env, wanted) => {
  using agent = await kinds['on policy'].create(env);
  await rows(agent, 100);
  await agent.save(dir);
  await expect(OnPolicyAgent.resume(dir, { env: () => new Stateless() })).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining(
      `has nothing that takes a state back, and the checkpoint has one; wanted ${wanted}`,
    ),
  });
});

test('given copies without getState or setState are refused, unless they say that they have no state', async () => {
  const lacking = (name: string, hasState: boolean): NextStepEnvs =>
    Object.assign(new NextStepEnvs([new Numbered(3)]), { [name]: undefined, hasState });
  for (const name of ['getState', 'setState'])
    await expect(OnPolicyAgent.create({ env: lacking(name, true), rollout: 10, seed: 1 })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining(`env, Numbered-v0: it has no ${name}(), which checkpoints ask for`),
    });
  (await OnPolicyAgent.create({ env: lacking('setState', false), rollout: 10, hidden: [8], seed: 1 })).dispose();
});

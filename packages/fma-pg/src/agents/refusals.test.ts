// What the specification's list of bad inputs (section 7) has of environments and checkpoints.
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataError, type Env, type Space, useBackend, type VectorEnv } from '@gimbal/tensor-core';
import { NextStepEnvs, Numbered } from '../../test/fixtures/numbered.ts';
import { Track, type TrackOptions } from '../../test/fixtures/track.ts';
import { evaluate, OffPolicyAgent, OnPolicyAgent, type OnPolicyOptions, surrogates } from '../index.ts';

beforeAll(() => useBackend('auto'));

const small = { numEnvs: 2, rollout: 16, hidden: [8], seed: 1 } as const;
const make = (env: () => Env, o: Partial<OnPolicyOptions> = {}): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env, ...small, ...o });

/** A track whose third step and those after it are changed. */
class Faulty extends Track {
  #steps = 0;
  constructor(
    private readonly change: (result: ReturnType<Track['step']>) => unknown,
    o: TrackOptions = {},
  ) {
    super(o);
  }
  override step(action: number): ReturnType<Track['step']> {
    const result = super.step(action);
    return (++this.#steps < 3 ? result : this.change(result)) as ReturnType<Track['step']>;
  }
}

test.each<[string, (result: ReturnType<Track['step']>) => unknown, string | RegExp]>([
  [
    'the old `done`',
    ({ obs, reward, info }) => ({ obs, reward, done: false, info }),
    /Track-v0, step 2, env 0: terminated and truncated must be booleans; got "undefined".*wrapper/s,
  ],
  [
    'a reward that is no number',
    (r) => ({ ...r, reward: '1' }),
    'Track-v0, step 2, env 0: the reward is no number; got "string"',
  ],
  [
    'an observation of another length',
    (r) => ({ ...r, obs: new Float32Array(3) }),
    'Track-v0, step 2, env 0: the observation’s length changed; got 3, wanted 2',
  ],
  [
    'an observation of another dtype',
    (r) => ({ ...r, obs: new Float64Array(2) }),
    'Track-v0, step 2, env 0: the observation’s dtype changed; got "Float64Array", wanted Float32Array',
  ],
  [
    'a mask that allows nothing',
    (r) => ({ ...r, info: { actionMask: new Uint8Array(3) } }),
    'Track-v0, step 2, env 0, info.actionMask: every action of component 0 is masked',
  ],
  [
    'a mask of another width',
    (r) => ({ ...r, info: { actionMask: Uint8Array.of(1, 1) } }),
    'Track-v0, step 2, env 0, info.actionMask: wrong length; got 2, wanted 3',
  ],
  [
    'no info',
    ({ info: _, ...r }) => r,
    'Track-v0, step 2, env 0: there is no info; got "undefined", wanted { obs, reward,',
  ],
  [
    'no observation',
    ({ obs: _, ...r }) => r,
    'Track-v0, step 2, env 0: there is no obs; got "undefined", wanted { obs',
  ],
  ['nothing', () => undefined, 'Track-v0, step 2, env 0: it gave no result; got "undefined", wanted { obs, reward,'],
  ['a promise', (r) => Promise.resolve(r), 'Track-v0, step 2, env 0: it gave a promise; wanted { obs, reward,'],
  [
    'an error',
    () => {
      throw new Error('sim blew up');
    },
    'Track-v0, step 2, env 0: the environment threw: sim blew up',
  ],
])('%s is refused in the step that gives it', async (_, change, message) => {
  using agent = await make(() => new Faulty(change));
  await expect(agent.run({ steps: 32 })).rejects.toThrow(message);
});

/** A track that begins as `first` says, from its `nth` episode on. */
class BadStart extends Track {
  #episodes = 0;
  constructor(
    private readonly first: () => unknown,
    private readonly nth: number,
  ) {
    super();
  }
  override reset(o?: { seed?: number }): ReturnType<Track['reset']> {
    const result = super.reset(o);
    return (this.#episodes++ < this.nth ? result : this.first()) as ReturnType<Track['reset']>;
  }
}

const obs = new Float32Array(2);

test.each<[string, () => unknown, nth: number, message: string]>([
  [
    'a mask of another width',
    () => ({ obs, info: { actionMask: [1] } }),
    1,
    'Track-v0, reset, env 0, info.actionMask: ',
  ],
  ['no info', () => ({ obs }), 1, 'Track-v0, reset, env 0: there is no info'],
  ['no info, after an episode', () => ({ obs }), 2, 'Track-v0, reset after step 19, env 1: there is no info'],
])('%s is refused in the reset that gives it', async (_, first, nth, message) => {
  let made = 0;
  // where it is not the first, it is another copy's: copy 0 has begun one episode more, to be asked for its shape
  using agent = await make(() =>
    made++ === 1 && nth === 2 ? new BadStart(first, 1) : new BadStart(first, nth === 2 ? 9 : 1),
  );
  await expect(agent.run({ steps: 64 })).rejects.toThrow(message);
});

test('an environment that throws at once is told with its name, and what it threw is kept', async () => {
  const cause = new Error('no scene');
  const env = (): Env =>
    new BadStart(() => {
      throw cause;
    }, 0);
  await expect(make(env)).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: 'Track-v0, reset, env 0: the environment threw: no scene',
    cause,
  });
});

test('copies that were given, too, are told with the step; their typed errors stay as they are', async () => {
  class Broken extends NextStepEnvs {
    fault: Error | undefined;
    override step(): ReturnType<NextStepEnvs['step']> {
      return this.fault === undefined ? super.step() : Promise.reject(this.fault);
    }
  }
  const env = new Broken([new Numbered(9)]);
  using agent = await OnPolicyAgent.create({ env, ...small, numEnvs: 1 });
  await agent.run({ steps: 16 });
  env.fault = new Error('worker died');
  await expect(agent.run({ steps: 32 })).rejects.toThrow('Numbered-v0, step 16: the environment threw: worker died');
  env.fault = new DataError({ where: 'here', what: 'typed' });
  await expect(agent.run({ steps: 32 })).rejects.toBe(env.fault);

  const mute = Object.assign(new NextStepEnvs([new Numbered(9)]), { actionSpace: { kind: 'discrete', n: 2 } as Space });
  mute.reset = async () => ({ obs: new Float32Array(1), infos: undefined as never });
  using other = await OnPolicyAgent.create({ env: mute, ...small, numEnvs: 1 });
  await expect(other.run({ steps: 16 })).rejects.toThrow('Numbered-v0, reset: the infos do not fit; got "nothing"');
});

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'env: it is no function that makes an environment; got "undefined"'],
  ['an environment', new Track(), 'got "Track-v0". Give one, as env: () => makeEnv(…), or a VectorEnv'],
  ['a promise of one', Promise.resolve(new Track()), 'got "a promise". Give one, as env: () => makeEnv(…)'],
  ['a function that returns nothing', () => undefined, 'env 0: the function made no environment; got "undefined"'],
  [
    'a function that makes many',
    () => new NextStepEnvs([new Numbered(3)]),
    'env 0: the function made many environments at once; wanted an Env, or a promise of one. Give the VectorEnv itself',
  ],
])('env: %s is refused', async (_, env, message) => {
  await expect(OnPolicyAgent.create({ ...small, env: env as never })).rejects.toThrow(message);
  await expect(OffPolicyAgent.create({ seed: 1, env: env as never })).rejects.toThrow(message);
  if (typeof env !== 'function') return;
  const asked = OffPolicyAgent.create({ seed: 1, env: env as never, buffer: { her: {} } });
  await expect(asked).rejects.toThrow(message.slice(message.indexOf(':')));
});

test('evalEnv and what an evaluation is given are looked at, too', async () => {
  const evalEnv = new Track() as never;
  await expect(make(() => new Track(), { evalEnv })).rejects.toThrow('evalEnv: it is no function');
  using agent = await make(() => new Track());
  await expect(evaluate(agent, { env: evalEnv, seed: 1 })).rejects.toThrow(
    'evaluate: env is no function that makes one',
  );
  await expect(evaluate(agent, { deterministic: 'no' as never, seed: 1 })).rejects.toThrow(
    'deterministic: out of range; got "no", wanted true or false',
  );
});

test('a space without a choice is refused by name; one with one choice is acted in', async () => {
  class Choices extends Track {
    override readonly actionSpace: Space;
    constructor(n: number) {
      super();
      this.actionSpace = { kind: 'discrete', n };
    }
  }
  const dqn = (n: number): Promise<OffPolicyAgent> =>
    OffPolicyAgent.create({
      algorithm: 'dqn',
      env: () => new Choices(n),
      hidden: [8],
      batchSize: 8,
      learningStarts: 8,
      logEvery: 8,
      seed: 1,
      buffer: { capacity: 100 },
    });
  const message = 'action space: there is no action to choose; got "0 actions"';
  await expect(dqn(0)).rejects.toThrow(message);
  await expect(make(() => new Choices(0))).rejects.toThrow(message);
  using one = await dqn(1);
  expect(Number.isFinite((await one.run({ steps: 40 }))?.criticLoss)).toBe(true);
});

test('copies with different spaces, and spaces that no agent has', async () => {
  let made = 0;
  await expect(make(() => new Track({ actions: made++ === 0 ? 'discrete' : 'continuous' }))).rejects.toThrow(
    'env 1: its spaces differ from those of env 0',
  );
  class Empty extends Track {
    override readonly observationSpace: Space = { kind: 'dict', spaces: {} };
  }
  await expect(make(() => new Empty())).rejects.toThrow('observation space: it has no numbers');
});

const aux = { name: 'a', params: {}, loss: () => undefined };

test.each([
  [{ gaeLambda: -0.1 }, 'gaeLambda: out of range; got -0.1'],
  [{ epochs: 0 }, 'epochs: out of range; got 0'],
  [{ learningRate: Number.NaN }, 'learningRate: out of range; got NaN'],
  [{ normalize: { observations: true } as never }, 'normalize: unknown option observations'],
  [{ normalize: { obs: 'no' as never } }, 'normalize.obs: out of range; got "no", wanted true or false'],
  [{ trustRegion: { dleta: 0.1 } as never }, 'Did you mean delta?'],
  [{ trustRegion: { backtracks: 0 } }, 'trustRegion.backtracks: out of range; got 0'],
  [{ trustRegion: { shrink: 1.5 } }, 'trustRegion.shrink: out of range; got 1.5, wanted a number between 0 and 1'],
  [{ trustRegion: { shrink: 1 } }, 'trustRegion.shrink: out of range; got 1'],
  [{ rewardSource: 3 as never }, 'rewardSource: it has no function reward; got "3", wanted { reward(batch)'],
  [{ rewardSource: { rewards: () => 0 } as never }, 'rewardSource: it has no function reward; got "{ rewards }"'],
  [{ auxLosses: {} as never }, 'auxLosses: it is no list; got "{}", wanted a list of { name, params, loss('],
  [{ auxLosses: [null] as never }, 'auxLosses[0]: there is no name; got "null"'],
  [{ auxLosses: [{ name: 'a', params: {} }] as never }, 'auxLosses[0]: there is no loss; got "{ name, params }"'],
  [{ auxLosses: [aux, { ...aux, learningRate: -1 }] as never }, 'auxLosses[1]: the name is there already; got "a"'],
  [{ auxLosses: [{ ...aux, learningRate: -1 }] as never }, 'auxLosses[0].learningRate: out of range; got -1'],
  [
    { normalizeAdvantage: 'batch', numEnvs: 1, rollout: 1, minibatches: 1 },
    'rollout: a rollout of one entry cannot be normalised; got 1, wanted rollout·numEnvs of at least 2',
  ],
  [{ critic: { epochs: 1, batchSize: 0 } }, 'critic.batchSize: out of range; got 0'],
  [{ adaptiveKl: { target: 0.01, initial: -1 } }, 'adaptiveKl.initial: out of range; got -1'],
  [
    { normalizeAdvantage: true as never },
    'normalizeAdvantage: no such choice; got true, wanted one of minibatch, batch',
  ],
  [{ normalizeAdvantage: 'batches' as never }, 'Did you mean batch?'],
  [{ surrogate: 'ppo' as never }, 'surrogate: no surrogate; got "ppo", wanted one of surrogates'],
  [
    { surrogate: surrogates.sppo(), adaptiveKl: { target: 0.01 } },
    'adaptiveKl: it is PPO-KL’s penalty that is adapted',
  ],
  [{ surrogate: surrogates.sppo(), method: 'trpo' }, 'surrogate: trpo takes one natural-gradient step on the ratio'],
  [{ targetKl: 0.01, method: 'npg' }, 'targetKl: npg takes one natural-gradient step'],
  [{ innerGuard: 'warn', method: 'trpo' }, 'innerGuard: trpo takes one natural-gradient step'],
] as const)('%j is refused', async (options, message) => {
  await expect(make(() => new Track(), options)).rejects.toThrow(message);
});

test('copies that nothing resets are refused before the first step', async () => {
  const many = {
    autoresetMode: 'disabled',
    numEnvs: 2,
    hasState: false,
    spec: { id: 'Many-v0' },
  } as unknown as VectorEnv;
  const wanted = 'env, Many-v0: copies whose episode ended are not reset; got "disabled"';
  await expect(OnPolicyAgent.create({ ...small, env: many })).rejects.toThrow(wanted);
  await expect(OffPolicyAgent.create({ env: many, trainEvery: 2, seed: 1 })).rejects.toThrow(wanted);
});

test.each<[string, (rows: number) => number[], RegExp]>([
  [
    'too few',
    (rows) => new Array<number>(rows - 1).fill(0),
    /rewardSource: it gave another number of rewards; got \d+/,
  ],
  [
    'one that is not finite',
    (rows) => Array.from({ length: rows }, (_, i) => (i === 5 ? Number.NaN : 0)),
    // 2 copies: entry 5 is step 2 of copy 1
    /rewardSource, (step 2, env 1|update 0, row 5): the reward is not finite; got NaN/,
  ],
])('rewards of a source, %s, are refused', async (_, of, message) => {
  const rewardSource = { reward: ({ rows }: { rows: number }) => Float32Array.from(of(rows)) };
  using agent = await make(() => new Track(), { rewardSource });
  await expect(agent.run({ steps: 32 })).rejects.toThrow(message);
  const env = (): Track => new Track({ actions: 'continuous' });
  using other = await OffPolicyAgent.create({
    env,
    rewardSource,
    batchSize: 8,
    hidden: [8],
    learningStarts: 8,
    seed: 1,
  });
  await expect(other.run({ steps: 16 })).rejects.toThrow(message);
});

test('an agent of another environment with the same spaces is played, not gone on with', async () => {
  class Other extends Track {
    override readonly spec = { id: 'Other-v0', dtSeconds: 1, maxSteps: 20 };
  }
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    const at = join(dir, 'saved');
    using agent = await make(() => new Track());
    await agent.run({ steps: 32 });
    await agent.save(at);
    using moved = await OnPolicyAgent.resume(at, { env: () => new Other() });
    expect((await evaluate(moved, { episodes: 2, seed: 1 })).returns).toHaveLength(2);
    await expect(moved.run({ steps: 64 })).rejects.toThrow(
      'the checkpoint is of another environment; got "Other-v0", wanted Track-v0',
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('65 entries in two minibatches stay finite', async () => {
  using agent = await make(() => new Track(), { numEnvs: 1, rollout: 65, minibatches: 2 });
  let rows = 0;
  for await (const row of agent.train({ steps: 130 })) {
    rows++;
    // of the numbers of an update; episodes that did not end have no return
    const { policyLoss, valueLoss, entropy, gradNorm, finalKl, explainedVariance } = row;
    for (const x of [policyLoss, valueLoss, entropy, gradNorm, finalKl, explainedVariance])
      expect(Number.isFinite(x)).toBe(true);
  }
  expect(rows).toBe(2);
});

test('an update that is no longer finite says so, and what to do', async () => {
  using agent = await make(() => new Track({ breakAt: { step: 5, reward: 1e38 } }), {
    learningRate: 1e30,
    maxGradNorm: 1e30,
    epochs: 4,
  });
  await expect(agent.run({ steps: 320 })).rejects.toThrow(
    /^on-policy, update: .* is not finite; got .*Lower the learning rate/s,
  );
});

test('what is named as not finite is not finite', async () => {
  // its square is beyond float32; the policy's loss, on normalised advantages, is 0
  using agent = await make(() => new Track({ breakAt: { step: 5, reward: 1e25 } }));
  await expect(agent.run({ steps: 320 })).rejects.toThrow('valueLoss is not finite; got Infinity');
});

test('weights that only the last update made infinite are not handed over', async () => {
  // its own loss and gradient were finite: no later step reads the weights
  using agent = await make(() => new Track(), { learningRate: 3e38, maxGradNorm: 1, epochs: 1, minibatches: 1 });
  await expect(agent.run({ steps: 32 })).rejects.toThrow(
    /training, after step 32: parameter .* holds -?(NaN|Infinity)/,
  );
});

test('a checkpoint of another seed, number of copies, version of the format or of the library, or a damaged one, is not gone on with', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    const env = (): Track => new Track();
    using agent = await make(env);
    await agent.run({ steps: 32 });
    const at = join(dir, 'saved');
    await agent.save(at);
    await expect(OnPolicyAgent.resume(at, { env, seed: 2 })).rejects.toThrow('seed differs; got 2, wanted 1');
    await expect(OnPolicyAgent.resume(at, { env, numEnvs: 4 })).rejects.toThrow('numEnvs differs; got 4, wanted 2');
    const manifest = await readFile(join(at, 'manifest.json'), 'utf8');
    await writeFile(join(at, 'manifest.json'), manifest.replace('"version": 1,', '"version": 2,'));
    await expect(OnPolicyAgent.resume(at, { env })).rejects.toMatchObject({ name: 'CheckpointError' });
    const { about, ...sealed } = JSON.parse(manifest) as { about: { version: string } };
    const later = { ...sealed, about: { ...about, version: '99.1.0' } };
    await writeFile(join(at, 'manifest.json'), JSON.stringify(later));
    await expect(OnPolicyAgent.resume(at, { env })).rejects.toThrow(
      /written by another major version of the library; got ".*", wanted 99.1.0/,
    );
    await writeFile(join(at, 'manifest.json'), manifest);
    const weights = (await readdir(at)).filter((name) => name.endsWith('.safetensors'));
    expect(weights.length).toBeGreaterThan(0);
    for (const name of weights) {
      const { size } = await stat(join(at, name));
      await truncate(join(at, name), size - 8);
    }
    await expect(OnPolicyAgent.resume(at, { env })).rejects.toMatchObject({ name: 'CheckpointError' });
  } finally {
    await rm(dir, { recursive: true });
  }
});

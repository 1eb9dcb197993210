// Environments that are none, throw where they are made, or give half a result.
import { type Env, useBackend, type VectorEnv, type VectorStep } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { evaluate, OffPolicyAgent, OnPolicyAgent, type OnPolicyOptions } from '../index.ts';
import { LocalVectorEnv } from './local-vector-env.ts';

beforeAll(() => useBackend('auto'));

const small = { numEnvs: 2, rollout: 16, hidden: [8], seed: 1 } as const;
const make = (env: OnPolicyOptions['env'], o: Partial<OnPolicyOptions> = {}): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ ...small, ...o, env });
const typed = (message: string, code = 'ERR_CONFIG') => ({ code, message: expect.stringContaining(message) });

/** A track that lacks something or has another. */
const without =
  (change: object): (() => Env) =>
  () =>
    Object.assign(new Track(), change);

/** Copies whose steps are changed. */
async function changed(of: (step: VectorStep) => unknown, first?: (x: object) => unknown): Promise<VectorEnv> {
  const envs = await LocalVectorEnv.create(() => new Track({ limit: 5 }), 2);
  return new Proxy(envs, {
    get(target, key) {
      if (key === 'step') return async (actions: Int32Array) => of(await target.step(actions));
      if (key === 'reset' && first !== undefined) return async (o: object) => first(await target.reset(o));
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

test('a step that ends an episode without its final observation is refused, where the same step resets', async () => {
  using agent = await make(await changed(({ finalObs: _, ...step }) => step));
  await expect(agent.run({ steps: 32 })).rejects.toMatchObject(
    typed('Track-v0, step 4, env 0: its episode ended, and there is no finalObs; wanted with same-step autoreset'),
  );
});

test.each<[string, (step: VectorStep) => unknown, string]>([
  [
    'nothing',
    () => undefined,
    'it gave no result; got "undefined", wanted { obs, reward, terminated, truncated, infos }',
  ],
  ['no reward', ({ reward: _, ...step }) => step, 'there is no reward; got "undefined", wanted { obs, reward'],
  [
    'too few rewards',
    (step) => ({ ...step, reward: step.reward.slice(1) }),
    'reward has another length; got 1, wanted 2',
  ],
  ['no observation', ({ obs: _, ...step }) => step, 'there is no obs; got "undefined"'],
  ['a flag that is none', (step) => ({ ...step, terminated: [2, 0] }), 'terminated is no flag; got "2", wanted 0 or 1'],
])('%s of a vector environment’s step is refused', async (_, change, message) => {
  using agent = await make(await changed(change));
  await expect(agent.run({ steps: 32 })).rejects.toMatchObject(typed(`Track-v0, step 0`));
  await expect(agent.run({ steps: 32 })).rejects.toMatchObject(typed(message));
});

test('booleans of a vector environment end episodes', async () => {
  const flags = (xs: Uint8Array): boolean[] => Array.from(xs, (x) => x === 1);
  const env = await changed((s) => ({ ...s, terminated: flags(s.terminated), truncated: flags(s.truncated) }));
  using agent = await make(env);
  expect((await agent.run({ steps: 32 }))?.episodeLength).toBe(5);
});

test('nothing of a vector environment’s reset is refused', async () => {
  using agent = await make(
    await changed(
      (step) => step,
      () => undefined,
    ),
  );
  await expect(agent.run({ steps: 32 })).rejects.toMatchObject(typed('Track-v0, reset: it gave no result'));
});

test('an asynchronous environment that fails is refused once: nothing is left unhandled', async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  try {
    using agent = await make(without({ step: () => Promise.reject(new Error('late')) }));
    await expect(agent.run({ steps: 32 })).rejects.toMatchObject(typed('it gave a promise'));
    using other = await make(() => new Track(), { rewardSource: { reward: (async () => Promise.reject(1)) as never } });
    await expect(other.run({ steps: 32 })).rejects.toMatchObject(typed('rewardSource: it gave a promise', 'ERR_DATA'));
    await new Promise((done) => setTimeout(done, 20));
  } finally {
    process.off('unhandledRejection', note);
  }
  expect(unhandled).toEqual([]);
});

test.each<[string, () => Env, string]>([
  ['no spec', without({ spec: undefined }), 'env 0: the environment has no spec; wanted an Env. Add spec: { id,'],
  ['no close', without({ close: undefined }), 'env 0: the environment has no close; wanted an Env. Add close() {}'],
])('an environment with %s is refused', async (_, env, message) => {
  await expect(make(env)).rejects.toMatchObject(typed(message));
});

test('a function that throws is named, and what it threw is kept', async () => {
  const cause = new Error('no scene');
  const env = (): never => {
    throw cause;
  };
  const refused = { ...typed('env 0: the function that makes it threw: no scene'), cause };
  await expect(make(env)).rejects.toMatchObject(refused);
  await expect(make(async () => env())).rejects.toMatchObject(refused);
  using agent = await make(() => new Track(), { evalEvery: 32, evalEnv: env });
  await expect(agent.run({ steps: 64 })).rejects.toMatchObject({ ...refused, ...typed('evalEnv: the function') });
  await expect(evaluate(agent, { seed: 1 })).rejects.toMatchObject({
    ...refused,
    ...typed('evaluate, env: the function'),
  });
});

test('a reward source that throws is named, and one that is a function is refused', async () => {
  const cause = new Error('no reward');
  const reward = (): never => {
    throw cause;
  };
  using agent = await make(() => new Track(), { rewardSource: { reward } });
  await expect(agent.run({ steps: 32 })).rejects.toMatchObject({
    ...typed('rewardSource: reward threw: no reward'),
    cause,
  });
  const env = (): Env => new Track({ actions: 'continuous' });
  const given = { env, seed: 1, rewardSource: reward as never };
  await expect(OffPolicyAgent.create(given)).rejects.toMatchObject(typed('rewardSource: it has no function reward'));
});

test.each([
  [1e39, 'Track-v0, step 2, env 0: the reward is beyond float32; got 1e+39'],
  [Infinity, 'Track-v0, step 2, env 0: the reward is not finite; got Infinity'],
])('a reward of %d is named as it was given', async (reward, message) => {
  using agent = await make(() => new Track({ breakAt: { step: 3, reward } }));
  await expect(agent.run({ steps: 32 })).rejects.toMatchObject(typed(message, 'ERR_NUMERICAL'));
});

test('every copy is closed, those after one that throws too', async () => {
  const closed: number[] = [];
  let made = 0;
  const envs = await LocalVectorEnv.create(() => {
    const n = made++;
    return without({
      close: () => {
        closed.push(n);
        if (n === 0) throw new Error('stuck');
      },
    })();
  }, 3);
  expect(() => envs.close()).toThrow('Track-v0, close, env 0: the environment threw: stuck');
  expect(closed).toEqual([0, 1, 2]);
});

// Masks of actions as environments give them: obeyed, or refused where they say nothing.
import { type Env, type EnvStep, type Info, type Obs, useBackend, type VectorEnv } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OffPolicyAgent, OnPolicyAgent, policyOf } from '../index.ts';

beforeAll(() => useBackend('auto'));

/** A track that counts what is done to it, and gives one mask with every observation. */
class Masked extends Track {
  readonly done = [0, 0, 0];
  #t = 0;
  constructor(private readonly mask: (t: number) => unknown) {
    super({ limit: 7 });
  }
  override reset(o?: { seed?: number }): ReturnType<Track['reset']> {
    this.#t = 0;
    return { ...super.reset(o), info: { actionMask: this.mask(0) } };
  }
  override step(action: number): EnvStep {
    this.done[action] = (this.done[action] as number) + 1;
    return { ...super.step(action), info: { actionMask: this.mask(++this.#t) } };
  }
}

const onPolicy = (env: () => Env): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env, numEnvs: 1, rollout: 32, hidden: [8], seed: 1 });
const dqn = (env: () => Env): Promise<OffPolicyAgent> =>
  OffPolicyAgent.create({ algorithm: 'dqn', env, hidden: [8], learningStarts: 32, batchSize: 8, seed: 1 });

describe.each<[string, (env: () => Env) => Promise<OnPolicyAgent | OffPolicyAgent>]>([
  ['on-policy', onPolicy],
  ['dqn', dqn],
])('%s', (_, create) => {
  test.each<[string, unknown]>([
    ['booleans', [true, false, true]],
    ['numbers', [1, 0, 1]],
    ['bytes', Uint8Array.of(1, 0, 1)],
  ])('a mask of %s is obeyed', async (_, mask) => {
    const env = new Masked(() => mask);
    using agent = await create(() => env);
    await agent.run({ steps: 96 });
    const [left, stay, right] = env.done as [number, number, number];
    expect(stay).toBe(0);
    expect(left + right).toBeGreaterThanOrEqual(96);
  });
});

test.each<[string, unknown, string]>([
  ['booleans that allow nothing', [false, false, false], 'every action of component 0 is masked; wanted at least one'],
  ['no number', [1, Number.NaN, 1], 'entry 1 says neither; got NaN, wanted 1 or true where the action is allowed'],
  ['a penalty', [1, 0, -1], 'entry 2 says neither; got -1'],
  ['text of numbers', ['1', '0', '1'], 'entry 0 says neither; got "string 1"'],
  ['a string', 'abc', 'it is no list; got "a string", wanted 3 of 0 or 1'],
  ['null', null, 'it is no list; got "null", wanted 3 of 0 or 1. Leave actionMask out where every action is allowed.'],
])('%s is refused', async (_, mask, message) => {
  using agent = await onPolicy(() => new Masked(() => mask));
  const refused = { code: 'ERR_CONFIG', message: expect.stringContaining(`info.actionMask: ${message}`) };
  await expect(agent.run({ steps: 32 })).rejects.toMatchObject(refused);
});

test('a mask of the final observation may allow nothing, but must be one', async () => {
  const last = (mask: unknown) => (t: number) => (t === 7 ? mask : [true, true, false]);
  using agent = await onPolicy(() => new Masked(last([false, false, false])));
  await agent.run({ steps: 32 });
  using other = await onPolicy(() => new Masked(last([2, 0, 0])));
  await expect(other.run({ steps: 32 })).rejects.toThrow('info.finalInfo.actionMask: entry 0 says neither; got 2');
});

/** One board of a single step: it is full after it, and the step after that resets. */
class Board implements VectorEnv {
  readonly numEnvs = 1;
  readonly autoresetMode = 'next-step';
  readonly hasState = false;
  readonly spec = { id: 'Board-v0', dtSeconds: 1, maxSteps: 1 };
  readonly observationSpace = new Track().observationSpace;
  readonly actionSpace = { kind: 'discrete', n: 3 } as const;
  readonly done: number[] = [];
  #isFull = false;
  constructor(
    private readonly end: 'terminated' | 'truncated',
    private readonly last: unknown = [0, 0, 0],
  ) {}
  async reset(): Promise<{ obs: Obs; infos: Info[] }> {
    this.#isFull = false;
    return { obs: Float32Array.of(0, 1), infos: [{ actionMask: [0, 1, 0] }] };
  }
  async step(actions: Float32Array | Int32Array) {
    if (this.#isFull) return { ...(await this.reset()), ...flags(), reward: Float32Array.of(0) };
    this.done.push(actions[0] as number);
    this.#isFull = true;
    const infos = [{ actionMask: this.last }];
    return { obs: Float32Array.of(1, 1), infos, ...flags(this.end), reward: Float32Array.of(1) };
  }
  getState(): Uint8Array {
    throw new Error('it has none');
  }
  setState(): void {}
  close(): void {}
  [Symbol.dispose](): void {}
}

const flags = (end?: string) => ({
  terminated: Uint8Array.of(end === 'terminated' ? 1 : 0),
  truncated: Uint8Array.of(end === 'truncated' ? 1 : 0),
});

describe.each(['terminated', 'truncated'] as const)('a last observation, %s, that allows nothing', (end) => {
  test('is accepted where the next step resets, whose action is ignored', async () => {
    const env = new Board(end);
    using agent = await OnPolicyAgent.create({ env, rollout: 16, hidden: [8], seed: 1 });
    await agent.run({ steps: 32 });
    expect(new Set(env.done)).toEqual(new Set([1]));
  });

  test('has no value of an action that is not there', async () => {
    const env = new Board(end);
    const o = { algorithm: 'dqn', hidden: [8], learningStarts: 8, batchSize: 8, logEvery: 8, seed: 1 } as const;
    using agent = await OffPolicyAgent.create({ ...o, env, gamma: 0.5 });
    const last = await agent.run({ steps: 64 });
    expect(last?.criticLoss).toBeLessThan(10); // a masked one is worth −1e9
  });
});

test('one that is no mask is refused there too, and so is a first observation that allows nothing', async () => {
  using agent = await OnPolicyAgent.create({
    env: new Board('truncated', [2, 0, 0]),
    rollout: 16,
    hidden: [8],
    seed: 1,
  });
  await expect(agent.run({ steps: 32 })).rejects.toThrow('info.actionMask: entry 0 says neither; got 2');
  using other = await onPolicy(() => new Masked((t) => (t === 0 ? [0, 0, 0] : [1, 1, 1])));
  await expect(other.run({ steps: 32 })).rejects.toThrow('every action of component 0 is masked');
});

describe('what nobody would read is refused', () => {
  const gymnasium = 'info.actionMask: it is named as Gymnasium names it; got "info.action_mask". Name it actionMask';
  class Said extends Track {
    constructor(
      private readonly info: Info,
      actions: 'discrete' | 'continuous',
    ) {
      super({ actions });
    }
    override reset(o?: { seed?: number }): ReturnType<Track['reset']> {
      return { ...super.reset(o), info: this.info };
    }
  }
  test.each<[string, Info, 'discrete' | 'continuous', string]>([
    ['Gymnasium’s name of choices', { action_mask: [1, 0, 1] }, 'discrete', gymnasium],
    ['Gymnasium’s name of a box', { action_mask: [1] }, 'continuous', gymnasium],
    ['a mask of a box', { actionMask: [1] }, 'continuous', 'info.actionMask: it masks an action without choices'],
  ])('%s', async (_, info, actions, message) => {
    const env = (): Env => new Said(info, actions);
    const refused = { code: 'ERR_CONFIG', message: expect.stringContaining(message) };
    using agent = await onPolicy(env);
    await expect(agent.run({ steps: 32 })).rejects.toMatchObject(refused);
    const act = policyOf(agent, env());
    expect(() => act(env().reset().obs, true, info)).toThrow(message);
  });
});

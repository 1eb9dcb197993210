// Masks of actions as environments give them: obeyed, or refused where they say nothing.
import { type Env, type EnvStep, useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OffPolicyAgent, OnPolicyAgent } from '../index.ts';

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

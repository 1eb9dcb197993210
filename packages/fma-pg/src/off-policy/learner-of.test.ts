// Goals of an environment: where they are found, and that the one which is asked is closed.
import { type Space, useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OffPolicyAgent, sac } from '../index.ts';
import { LocalVectorEnv } from '../rollout/local-vector-env.ts';

beforeAll(() => useBackend('auto'));

let [made, closed] = [0, 0];
beforeEach(() => {
  [made, closed] = [0, 0];
});

/** A track with goals, if it is to have any, that counts. */
class Counted extends Track {
  constructor(goals: 'named' | 'unnamed' | 'none', computeReward: unknown = () => ({ reward: 0, terminated: false })) {
    super({ actions: 'continuous', dict: true });
    made++;
    const { spaces } = this.observationSpace as { spaces: { [key: string]: object } };
    if (goals === 'named') Object.assign(spaces, { achieved_goal: spaces.place, desired_goal: spaces.place });
    if (goals !== 'none') Object.assign(this, { computeReward });
  }

  override reset(o?: { seed?: number }) {
    const { obs, info } = super.reset(o);
    return { obs: this.#named(obs), info };
  }

  override step(action: number | Float32Array) {
    const step = super.step(action);
    return { ...step, obs: this.#named(step.obs) };
  }

  override close(): void {
    closed++;
  }

  #named(obs: ReturnType<Track['reset']>['obs']) {
    const { place, privileged } = obs as { [key: string]: Float32Array };
    return { place, privileged, achieved_goal: place, desired_goal: place } as typeof obs;
  }
}

const create = (goals: ConstructorParameters<typeof Counted>[0], o: object = {}): Promise<OffPolicyAgent> =>
  OffPolicyAgent.create({
    ...sac({ hidden: [4], batchSize: 4, learningStarts: 10 }),
    env: () => new Counted(goals),
    seed: 1,
    buffer: { capacity: 50, her: {} },
    ...o,
  });

test('every environment is closed with the agent, the one that is asked for its goals, too', async () => {
  const agent = await create('named');
  await agent.run({ steps: 20 });
  expect([made, closed]).toEqual([2, 0]);
  agent.dispose();
  expect(closed).toBe(2);
});

test('and where no agent comes of it', async () => {
  await expect(create('none')).rejects.toThrow('buffer.her: the environment has no goals');
  expect([made, closed]).toEqual([2, 2]);
  await expect(create('unnamed')).rejects.toThrow('buffer.her: the observation has no achieved_goal');
  expect([made, closed]).toEqual([3, 3]);
});

test('copies that are made already are refused, with what to give instead', async () => {
  const env = await LocalVectorEnv.create(() => new Counted('named'), 3);
  await expect(create('named', { env, trainEvery: 3 })).rejects.toThrow(
    'buffer.her: env is copies that are made already: none of them can be asked what a goal pays; got "3 of Track-v0", ' +
      'wanted a function that makes one environment. Give env: () => new …, with numEnvs: 3',
  );
  expect([made, closed]).toEqual([3, 0]); // they are the caller's
  env.close();
});

test('goals of two sizes are refused before any step', async () => {
  const three: Space = {
    kind: 'box',
    shape: [3],
    dtype: 'float32',
    low: new Float64Array(3),
    high: new Float64Array(3),
  };
  const env = (): Counted => {
    const counted = new Counted('named');
    Object.assign((counted.observationSpace as { spaces: object }).spaces, { desired_goal: three });
    return counted;
  };
  await expect(create('named', { env })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringContaining(
      'buffer.her, Track-v0: what is achieved and what is desired have two sizes; got "2 and 3 numbers"',
    ),
  });
  expect(closed).toBe(made);
});

test.each<[string, () => unknown, string, string]>([
  ['undefined', () => undefined, 'ERR_CONFIG', 'it gave no result; got "undefined", wanted { reward, terminated }'],
  ['a number', () => 1, 'ERR_CONFIG', 'it gave no result; got "1"'],
  ['a promise', () => Promise.reject(new Error('late')), 'ERR_CONFIG', 'it gave no result; got "a promise"'],
  ['no reward', () => ({ terminated: false }), 'ERR_CONFIG', 'the reward is no number; got "undefined"'],
  ['no end', () => ({ reward: 1 }), 'ERR_CONFIG', 'terminated is no boolean; got "undefined"'],
  ['NaN', () => ({ reward: Number.NaN, terminated: false }), 'ERR_NUMERICAL', 'the reward is not finite; got NaN'],
  ['too much', () => ({ reward: 1e39, terminated: false }), 'ERR_NUMERICAL', 'the reward is not finite; got 1e+39'],
  [
    'an error',
    () => {
      throw new TypeError('no goal');
    },
    'ERR_CONFIG',
    'the environment threw: no goal',
  ],
])('%s of computeReward is refused by its name', async (_, paid, code, message) => {
  using agent = await create('named', { env: () => new Counted('named', paid) });
  await expect(agent.run({ steps: 20 })).rejects.toMatchObject({
    code,
    message: expect.stringContaining(`Track-v0, computeReward: ${message}`),
  });
});

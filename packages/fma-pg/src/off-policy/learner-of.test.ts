// Goals of an environment: where they are found, and that the one which is asked is closed.
import { useBackend } from '@gimbal/tensor-core';
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
  constructor(goals: 'named' | 'unnamed' | 'none') {
    super({ actions: 'continuous', dict: true });
    made++;
    const { spaces } = this.observationSpace as { spaces: { [key: string]: object } };
    if (goals === 'named') Object.assign(spaces, { achieved_goal: spaces.place, desired_goal: spaces.place });
    if (goals !== 'none') Object.assign(this, { computeReward: () => ({ reward: 0, terminated: false }) });
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

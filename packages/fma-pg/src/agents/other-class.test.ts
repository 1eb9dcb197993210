// Options of one class of agents that are given to the other.
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { mdpo, OffPolicyAgent, type OffPolicyOptions, OnPolicyAgent, ppo, sac } from '../index.ts';

beforeAll(() => useBackend('auto'));

const env = (): Track => new Track({ actions: 'continuous' });

test.each([
  [{ normalize: { obs: true } }, 'normalize: sac has no such option (agents on policy have). Leave it out'],
  [{ criticObs: ['x'] }, 'criticObs: sac has no such option (agents on policy have)'],
  [{ auxLosses: [] }, 'auxLosses: sac has no such option (agents on policy have)'],
])('an option beside an algorithm of this class is named: %j', async (o, message) => {
  const options = { ...sac(), ...o, env, seed: 1 } as OffPolicyOptions;
  await expect(OffPolicyAgent.create(options)).rejects.toThrow(message);
});

test('options of the other class’s algorithms are sent there', async () => {
  await expect(OffPolicyAgent.create({ ...ppo(), env, seed: 1 } as never)).rejects.toThrow('Use OnPolicyAgent.create');
  await expect(OffPolicyAgent.create({ ...mdpo(), env, seed: 1 } as never)).rejects.toThrow('Use OnPolicyAgent.create');
  await expect(OnPolicyAgent.create({ ...sac(), env, seed: 1 } as never)).rejects.toThrow('Use OffPolicyAgent.create');
  const mixed = { ...ppo(), buffer: {}, env, seed: 1 } as never;
  await expect(OnPolicyAgent.create(mixed)).rejects.toThrow('buffer: ppo has no such option (agents off policy have)');
});

test('a preset without its brackets is told from options', async () => {
  await expect(OnPolicyAgent.create({ ...ppo, env, seed: 1 })).rejects.toThrow(
    'OnPolicyAgent.create: ppo is a function: spread what it gives. Write ...ppo()',
  );
  await expect(OffPolicyAgent.create({ ...sac, env, seed: 1 })).rejects.toThrow('Write ...sac()');
});

test('an environment to evaluate on with other spaces is refused before anything is learnt', async () => {
  let steps = 0;
  class Counted extends Track {
    override step(action: number | Float32Array): ReturnType<Track['step']> {
      steps++;
      return super.step(action);
    }
  }
  const evalEnv = (): Track => new Track({ dict: true });
  const o = { env: () => new Counted(), evalEnv, evalEvery: 16, rollout: 8, minibatches: 2, hidden: [4], seed: 1 };
  using agent = await OnPolicyAgent.create(o);
  await expect(agent.run({ steps: 32 })).rejects.toThrow('evalEnv, Track-v0: the environment’s observations are not');
  expect(steps).toBe(0);
});

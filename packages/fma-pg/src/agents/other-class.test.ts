// Options of one class of agents that are given to the other.
import { Track } from '../../test/fixtures/track.ts';
import { mdpo, OffPolicyAgent, type OffPolicyOptions, OnPolicyAgent, ppo, sac } from '../index.ts';

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

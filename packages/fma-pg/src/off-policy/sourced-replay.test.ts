// A source of rewards off policy: what it is handed, and what follows where it fails.
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OffPolicyAgent, type OffPolicyOptions, type TransitionBatch } from '../index.ts';

beforeAll(() => useBackend('auto'));

const base = {
  algorithm: 'dqn',
  hidden: [4],
  batchSize: 16,
  learningStarts: 16,
  updates: 2,
  trainEvery: 4,
  seed: 1,
} as const;
const make = (o: Partial<OffPolicyOptions>): Promise<OffPolicyAgent> =>
  OffPolicyAgent.create({ env: () => new Track({ limit: 5, ends: true }), ...base, ...o });

test.each([0, 0.9])('it sees which steps ended an episode, and how, with a discount of %d', async (gamma) => {
  const seen = { terminated: 0, truncated: 0, neither: 0 };
  const reward = ({ rows, nextObs, rewards, terminated, truncated, obs }: TransitionBatch): Float32Array => {
    for (let i = 0; i < rows; i++) {
      expect(terminated[i]).toBe(Math.abs(nextObs[2 * i] as number) < 0.1 ? 1 : 0);
      expect((terminated[i] as number) + (truncated[i] as number)).toBeLessThanOrEqual(1);
      seen[terminated[i] ? 'terminated' : truncated[i] ? 'truncated' : 'neither']++;
    }
    const own = rewards.slice();
    for (const array of [obs, nextObs, rewards]) array.fill(9); // copies: nothing comes of it
    return own;
  };
  using agent = await make({ gamma, rewardSource: { reward } });
  using plain = await make({ gamma });
  const [a, b] = [await agent.run({ steps: 60 }), await plain.run({ steps: 60 })];
  expect(a?.criticLoss).toBe(b?.criticLoss);
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
});

test('an update whose source failed is made again, with the same numbers', async () => {
  let calls = 0;
  const reward = ({ rewards }: TransitionBatch): Float32Array => {
    if (++calls === 6) throw new Error('away');
    return rewards;
  };
  using whole = await make({ rewardSource: { reward: ({ rewards }) => rewards } });
  using agent = await make({ rewardSource: { reward } });
  await expect(agent.run({ steps: 40 })).rejects.toThrow('threw: away');
  await expect(agent.save('/nowhere')).rejects.toThrow('dqn, save: the last update was not made, as it failed');
  const { stepsPerSecond: _, ...a } = (await agent.run({ steps: 40 })) as { stepsPerSecond: number };
  const { stepsPerSecond: __, ...b } = (await whole.run({ steps: 40 })) as { stepsPerSecond: number };
  expect(a).toEqual(b);
});

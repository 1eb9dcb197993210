// V-trace in an agent: each pass weighs the rollout anew, by the policy as it is by then.
import { useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { evaluate, OnPolicyAgent, type OnPolicyOptions } from '../index.ts';

beforeAll(() => useBackend('auto'));

const make = (o: Partial<OnPolicyOptions>): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env: () => new Track(), numEnvs: 8, rollout: 32, hidden: [16], gamma: 0.9, seed: 1, ...o });

test('while the policy stays its numbers are GAE’s at λ = 1; once it moves, others', async () => {
  const losses = async (learningRate: number) => {
    const of = async (returns: 'gae' | 'vtrace') => {
      using agent = await make({ returns, learningRate, gaeLambda: 1, epochs: 4, minibatches: 1 });
      const row = await agent.run({ steps: 256 });
      return [row?.policyLoss as number, row?.valueLoss as number];
    };
    return [await of('gae'), await of('vtrace')] as [number[], number[]];
  };
  const [still, same] = await losses(1e-9);
  for (const [i, loss] of same.entries()) expect(loss).toBeCloseTo(still[i] as number, 4);
  const [moved, weighed] = await losses(0.03);
  for (const [i, loss] of weighed.entries()) expect(Math.abs(loss - (moved[i] as number))).toBeGreaterThan(1e-3);
});

test('it learns', async () => {
  using agent = await make({ returns: 'vtrace', learningRate: 0.01, epochs: 4, minibatches: 2 });
  await agent.run({ steps: 8000 });
  expect((await evaluate(agent, { episodes: 20, seed: 3 })).mean).toBeGreaterThan(-3.5); // standing still gets −10
});

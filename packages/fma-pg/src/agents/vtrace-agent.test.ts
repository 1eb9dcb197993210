// V-trace in an agent: each pass weighs the rollout anew, by the policy as it is by then.
import { useBackend } from '@gimbal/tensor-core';
import { type Call, noted } from '../../test/fixtures/noted.ts';
import { Track } from '../../test/fixtures/track.ts';
import { evaluate, OnPolicyAgent, type OnPolicyOptions, type SurrogateName, surrogates } from '../index.ts';

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

describe('advantages, pass by pass', () => {
  const calls = async (name: SurrogateName, learningRate: number): Promise<[Call, Call]> => {
    const all: Call[] = [];
    const options = { epochs: 2, minibatches: 1, normalizeAdvantage: false, gaeLambda: 0.7, learningRate } as const;
    // one formula under several names: the first step is the same
    using agent = await make({ returns: 'vtrace', ...options, surrogate: noted(surrogates.ratio(), all, name) });
    await agent.run({ steps: 256 });
    return all as [Call, Call];
  };

  test('those of a policy that stands are GAE(λ)’s in each pass', async () => {
    for (const name of ['ratio', 'reinforce'] as const) {
      const [first, second] = await calls(name, 1e-30);
      const sorted = ({ advantages }: Call): number[] => advantages.sort((a, b) => a - b);
      expect(sorted(second)).toEqual(sorted(first).map((a) => expect.closeTo(a, 5)));
    }
  });

  test('the truncated ratio is in those of reinforce, and in no other surrogate’s, which have it themselves', async () => {
    const [, plain] = await calls('ratio', 0.05);
    for (const name of ['ppoClip', 'ppoKl', 'mdpo', 'smdpo', 'sppo', 'spma', 'mpo'] as const)
      expect((await calls(name, 0.05))[1].advantages).toEqual(plain.advantages);
    const [, weighted] = await calls('reinforce', 0.05);
    const truncated = plain.ratios.map((ratio) => Math.min(1, ratio));
    expect(truncated.some((rho) => rho < 0.9)).toBe(true);
    expect(weighted.advantages).toEqual(
      plain.advantages.map((a, i) => expect.closeTo((truncated[i] as number) * a, 5)),
    );
  });
});

test('it learns', async () => {
  using agent = await make({ returns: 'vtrace', learningRate: 0.01, epochs: 4, minibatches: 2 });
  await agent.run({ steps: 8000 });
  expect((await evaluate(agent, { episodes: 20, seed: 3 })).mean).toBeGreaterThan(-3.5); // standing still gets −10
});

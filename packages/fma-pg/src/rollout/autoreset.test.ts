// Where an episode ends: what agents store and hooks see is the final observation, whichever step resets.
import { useBackend } from '@gimbal/tensor-core';
import { type Scalar, scalar, square, type Variable, variable } from '@tensorflow/tfjs-core';
import { NextStepEnvs, Numbered } from '../../test/fixtures/numbered.ts';
import { OffPolicyAgent, OnPolicyAgent, type TransitionBatch } from '../index.ts';

beforeAll(() => useBackend('auto'));

const modes = ['same-step', 'next-step'] as const;
const envOf = (mode: (typeof modes)[number]) =>
  mode === 'same-step' ? () => new Numbered(3) : new NextStepEnvs([new Numbered(3), new Numbered(3)]);

describe.each(modes)('%s autoreset', (mode) => {
  test.each([1, 3])(
    'what is remembered of %i steps ends with the final observation, never the reset one',
    async (nStep) => {
      using agent = await OffPolicyAgent.create({
        env: envOf(mode),
        numEnvs: 2,
        hidden: [4],
        learningStarts: 50, // learnt from once, at the end
        batchSize: 4,
        trainEvery: 2,
        gamma: 0.5,
        seed: 1,
        buffer: { capacity: 20, nStep },
      });
      await agent.run({ steps: 50 });
      const { obs, nextObs, rewards, discounts, size } = agent.buffer;
      expect(size).toBe(20); // it was written over
      let ends = 0;
      for (let i = 0; i < size; i++) {
        const [from, to] = [obs[i] as number, nextObs[i] as number];
        const left = 3 - (from % 100);
        const steps = Math.min(nStep, left);
        expect(left).toBeGreaterThan(0); // a final observation begins nothing
        expect(to - from).toBe(steps);
        // a time limit keeps its bootstrap
        expect(discounts[i]).toBe(0.5 ** steps);
        expect(rewards[i]).toBe(2 - 0.5 ** (steps - 1));
        if (to % 100 === 3) ends++;
      }
      expect(ends).toBeGreaterThan(3);
    },
  );

  test('reward sources and further losses see transitions, no resets', async () => {
    const seen: TransitionBatch[] = [];
    const w: Variable = variable(scalar(0));
    const look = (batch: TransitionBatch): void => {
      seen.push({ ...batch, obs: batch.obs.slice(), nextObs: batch.nextObs.slice(), rewards: batch.rewards.slice() });
    };
    using agent = await OnPolicyAgent.create({
      env: envOf(mode),
      numEnvs: 2,
      hidden: [4],
      rollout: 13,
      epochs: 1,
      minibatches: 1,
      seed: 1,
      rewardSource: {
        reward(batch) {
          look(batch);
          return batch.obs.map((x) => 7 + x);
        },
      },
      auxLosses: [
        {
          name: 'looks',
          params: { w },
          loss(params, batch) {
            look(batch);
            return square((params as { w: Variable }).w) as Scalar;
          },
        },
      ],
    });
    const { episodeLength, episodes } = (await agent.run({ steps: 26 })) ?? {};
    expect([episodeLength, episodes]).toEqual([3, mode === 'same-step' ? 8 : 6]);
    const [source, loss] = seen as [TransitionBatch, TransitionBatch];
    // next-step: every fourth step only resets
    const rows = mode === 'same-step' ? 26 : 20;
    for (const { rows: n, obs, actions, nextObs, terminated, truncated } of [source, loss]) {
      expect([n, obs.length, actions.length, terminated.length]).toEqual([rows, rows, rows, rows]);
      for (let i = 0; i < n; i++) {
        expect((nextObs[i] as number) - (obs[i] as number)).toBe(1);
        expect(truncated[i]).toBe((nextObs[i] as number) % 100 === 3 ? 1 : 0);
      }
    }
    expect(new Set(source.rewards)).toEqual(new Set([1]));
    // each of its rewards has gone to the transition that it is of
    expect([...loss.rewards]).toEqual([...loss.obs].map((x) => 7 + x));
    w.dispose();
  });

  test('a rollout of one step that only resets is learnt from by nobody, and logs numbers', async () => {
    const critic = { epochs: 1, batchSize: 4 };
    const o = {
      numEnvs: 1,
      hidden: [4],
      rollout: 1,
      epochs: 1,
      minibatches: 1,
      normalizeAdvantage: false,
      seed: 1,
    } as const;
    const env = mode === 'same-step' ? envOf(mode) : new NextStepEnvs([new Numbered(3)]);
    using agent = await OnPolicyAgent.create({ ...o, env, critic });
    let resets = 0;
    for await (const { step: _, episodeReturn, episodeLength, truncatedShare, recentReturn, ...row } of agent.train({
      steps: 8,
    })) {
      expect(Object.values(row).filter((x) => !Number.isFinite(x))).toEqual([]);
      if (row.epochs === 0) resets++;
    }
    expect(resets).toBe(mode === 'same-step' ? 0 : 2);
  });

  test('a step that only resets is no part of explainedVariance', async () => {
    // γ = 0: every return is the reward, 1; of equal ones nothing can be explained. That of a reset would be 0
    using agent = await OnPolicyAgent.create({
      env: envOf(mode),
      numEnvs: 2,
      hidden: [4],
      ...{ gamma: 0, rollout: 13, epochs: 1, minibatches: 1, seed: 1 },
    });
    expect((await agent.run({ steps: 26 }))?.explainedVariance).toBe(0);
  });
});

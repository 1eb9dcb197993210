// Updates of TD3 beside Stable-Baselines3's own, from equal weights, batches and noise (test/golden/td3_sb3.py).
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  drawing,
  expectUpdates,
  type Golden,
  type Layers,
  net,
  readGolden,
  type TwinTrees,
  twinTrees,
} from '../../test/fixtures/given-updates.ts';
import { Td3 } from './td3.ts';

beforeAll(() => useBackend('auto'));

test('four updates, two of them of the critics alone, are those of Stable-Baselines3', () => {
  type Trees = TwinTrees & { actorTarget: Layers };
  const golden = readGolden<Golden<Trees, 'policyDelay' | 'targetNoise' | 'targetNoiseClip'>>('td3-sb3');
  const { sizes, settings, ...updates } = golden;
  const { rows: _, ...widths } = sizes;
  const td3 = new Td3({ ...widths, ...settings, explorationNoise: 0.1 }, rng(0));
  const named = (t: Trees) => ({ ...twinTrees(t), 'actor-target': net(t.actorTarget) });
  const see = (ours: { [metric: string]: number }, theirs: { [metric: string]: number }): void => {
    expect(ours.criticLoss).toBeCloseTo(theirs.critic_loss as number, 4);
    if (theirs.actor_loss !== undefined) expect(ours.actorLoss).toBeCloseTo(theirs.actor_loss, 4);
  };
  // theirs count from 1: the second and the fourth are of the actor and the targets, too
  expectUpdates(td3, updates, settings, named, see, 1);
});

test('acts with noise of its deviation, inside the range', () => {
  const td3 = new Td3(
    {
      ...{ observation: 1, action: 2, hidden: [4], tau: 0.1, policyDelay: 2 },
      ...{ explorationNoise: 0.1, targetNoise: 0.2, targetNoiseClip: 0.5 },
    },
    rng(2),
  );
  const obs = Float32Array.of(0.3, -0.2, 0.1);
  const [best, noisy] = [new Float32Array(6), new Float32Array(6)];
  td3.act(obs, 3, best, undefined);
  expect(Math.max(...best.map(Math.abs))).toBeLessThan(0.8);
  const drawn = [1, -1, 0.5, -2, 100, -100];
  td3.act(obs, 3, noisy, drawing(drawn));
  for (const [i, x] of [...noisy].entries())
    expect(x).toBeCloseTo(i < 4 ? (best[i] as number) + 0.1 * (drawn[i] as number) : Math.sign(drawn[i] as number), 6);
  td3.dispose();
});

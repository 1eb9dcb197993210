// Updates of TD3 beside Stable-Baselines3's own, from equal weights, batches and noise (test/golden/td3_sb3.py).
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  begin,
  drawing,
  type Golden,
  gaps,
  given,
  type Layers,
  net,
  readGolden,
  type Twins,
  twins,
} from '../../test/fixtures/given-updates.ts';
import { Td3 } from './td3.ts';

beforeAll(() => useBackend('auto'));

interface Trees {
  actor: Layers;
  actorTarget: Layers;
  critics: Twins;
  targets: Twins;
}
const named = ({ actor, actorTarget, critics, targets }: Trees) => ({
  actor: net(actor),
  'actor-target': net(actorTarget),
  critics: twins(critics),
  targets: twins(targets),
});

test('four updates, two of them of the critics alone, are those of Stable-Baselines3', () => {
  const golden = readGolden<Golden<Trees, 'policyDelay' | 'targetNoise' | 'targetNoiseClip'>>('td3-sb3');
  const { sizes, settings, before, batches, steps, after } = golden;
  const { rows: _, ...widths } = sizes;
  const td3 = new Td3({ ...widths, ...settings, explorationNoise: 0.1 }, rng(0));
  begin(td3, named(before));
  for (const [i, batch] of batches.entries()) {
    // theirs count from 1: the second and the fourth are of the actor and the targets, too
    const { criticLoss, actorLoss } = given(td3, batch, { ...settings, update: i + 1 }).metrics();
    const theirs = steps[i] as { [metric: string]: number };
    expect(criticLoss).toBeCloseTo(theirs.critic_loss as number, 4);
    if (theirs.actor_loss !== undefined) expect(actorLoss).toBeCloseTo(theirs.actor_loss, 4);
  }
  // of steps of .01
  const { most, largest } = gaps(td3, named(after));
  expect(most).toBeLessThan(1e-6);
  expect(largest).toBeLessThan(5e-4);
  td3.dispose();
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

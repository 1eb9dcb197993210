// Updates of SAC beside Stable-Baselines3's own (test/golden/sac_sb3.py), and of off-policy MDPO beside torch's
// (test/golden/mdpo_torch.py), from equal weights, batches and noise.
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  begin,
  type Golden,
  gaps,
  given,
  type Layers,
  net,
  readGolden,
  type Twins,
  twins,
} from '../../test/fixtures/given-updates.ts';
import { Sac } from './sac.ts';

beforeAll(() => useBackend('auto'));

interface Trees {
  actor: Layers;
  critics: Twins;
  targets: Twins;
}
const named = ({ actor, critics, targets }: Trees) => ({
  actor: net(actor),
  critics: twins(critics),
  targets: twins(targets),
});

test('four updates of SAC are those of Stable-Baselines3', () => {
  type WithAlpha = Trees & { logAlpha: number };
  const { sizes, settings, before, batches, steps, after } = readGolden<Golden<WithAlpha, 'alpha'>>('sac-sb3');
  const { rows: _, ...widths } = sizes;
  const sac = new Sac({ ...widths, ...settings, learnAlpha: true, targetEntropy: -widths.action }, rng(0));
  const all = (t: WithAlpha) => ({ ...named(t), temperature: { logAlpha: [t.logAlpha] } });
  begin(sac, all(before));
  for (const [update, batch] of batches.entries()) {
    const { criticLoss, actorLoss, alpha } = given(sac, batch, { ...settings, update }).metrics();
    const theirs = steps[update] as { [metric: string]: number };
    expect((criticLoss as number) / 2).toBeCloseTo(theirs.critic_loss as number, 4); // theirs is half of it
    expect(actorLoss).toBeCloseTo(theirs.actor_loss as number, 4);
    expect(alpha).toBeCloseTo(theirs.ent_coef as number, 5);
  }
  // of steps of .01
  const { most, largest } = gaps(sac, all(after));
  expect(most).toBeLessThan(1e-6);
  expect(largest).toBeLessThan(5e-4);
  sac.dispose();
});

test('four updates of MDPO with importance weights, and a copy of the older policy between, are those of torch', () => {
  type WithOld = Trees & { old: Layers };
  const golden = readGolden<Golden<WithOld, 'alpha' | 'proximal'>>('mdpo-torch');
  const { sizes, settings, before, batches, steps, after } = golden;
  const { rows: _, ...widths } = sizes;
  const mdpo = new Sac({ ...widths, ...settings, learnAlpha: false, targetEntropy: 0 }, rng(0));
  const all = (t: WithOld) => ({ ...named(t), old: net(t.old) });
  begin(mdpo, all(before));
  for (const [update, batch] of batches.entries()) {
    const { criticLoss, actorLoss, entropy } = given(mdpo, batch, { ...settings, update }).metrics();
    const theirs = steps[update] as { [metric: string]: number };
    expect(criticLoss).toBeCloseTo(theirs.critic_loss as number, 4);
    expect(actorLoss).toBeCloseTo(theirs.actor_loss as number, 4);
    expect(entropy).toBeCloseTo(-(theirs.log_prob as number), 4);
    if (update === 1) mdpo.copyTarget();
  }
  const { most, largest } = gaps(mdpo, all(after));
  expect(most).toBeLessThan(1e-6);
  expect(largest).toBeLessThan(5e-4);
  mdpo.dispose();
});

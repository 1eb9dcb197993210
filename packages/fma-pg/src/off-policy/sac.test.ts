// Updates of SAC beside Stable-Baselines3's own (test/golden/sac_sb3.py), and of off-policy MDPO beside torch's
// (test/golden/mdpo_torch.py), from equal weights, batches and noise.
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  expectUpdates,
  type Golden,
  type Layers,
  net,
  readGolden,
  type TwinTrees,
  twinTrees,
} from '../../test/fixtures/given-updates.ts';
import { Sac } from './sac.ts';

beforeAll(() => useBackend('auto'));

test('four updates of SAC are those of Stable-Baselines3', () => {
  type WithAlpha = TwinTrees & { logAlpha: number };
  const { sizes, settings, ...updates } = readGolden<Golden<WithAlpha, 'alpha'>>('sac-sb3');
  const { rows: _, ...widths } = sizes;
  const sac = new Sac({ ...widths, ...settings, learnAlpha: true, targetEntropy: -widths.action }, rng(0));
  const named = (t: WithAlpha) => ({ ...twinTrees(t), temperature: { logAlpha: [t.logAlpha] } });
  expectUpdates(sac, updates, settings, named, ({ criticLoss, actorLoss, alpha }, theirs) => {
    expect((criticLoss as number) / 2).toBeCloseTo(theirs.critic_loss as number, 4); // theirs is half of it
    expect(actorLoss).toBeCloseTo(theirs.actor_loss as number, 4);
    expect(alpha).toBeCloseTo(theirs.ent_coef as number, 5);
  });
});

test('four updates of MDPO with importance weights, and a copy of the older policy between, are those of torch', () => {
  type WithOld = TwinTrees & { old: Layers };
  const { sizes, settings, ...updates } = readGolden<Golden<WithOld, 'alpha' | 'proximal'>>('mdpo-torch');
  const { rows: _, ...widths } = sizes;
  const mdpo = new Sac({ ...widths, ...settings, learnAlpha: false, targetEntropy: 0 }, rng(0));
  const named = (t: WithOld) => ({ ...twinTrees(t), old: net(t.old) });
  expectUpdates(mdpo, updates, settings, named, ({ criticLoss, actorLoss, entropy }, theirs, update) => {
    expect(criticLoss).toBeCloseTo(theirs.critic_loss as number, 4);
    expect(actorLoss).toBeCloseTo(theirs.actor_loss as number, 4);
    expect(entropy).toBeCloseTo(-(theirs.log_prob as number), 4);
    if (update === 1) mdpo.copyTarget();
  });
});

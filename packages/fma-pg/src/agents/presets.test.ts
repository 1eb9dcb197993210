// The published numbers that presets stand for, and defaults that decide how well PPO learns.
import { Track } from '../../test/fixtures/track.ts';
import { onPolicyPresets } from '../index.ts';
import { resolveOnPolicy } from './resolve-on-policy.ts';

const env = (): Track => new Track();

test.each(Object.entries(onPolicyPresets))('%s clips gradients at .5, and Adam’s ε is 1e-5', (name, preset) => {
  const { maxGradNorm, optimizer } = resolveOnPolicy({ ...preset(), env, seed: 1 });
  expect(maxGradNorm).toBe(0.5);
  // Baselines' and CleanRL's; with PyTorch's 1e-8 PPO learns otherwise. A2C has RMSProp
  expect(optimizer).toMatchObject({ name: name === 'a2c' ? 'rmsprop' : 'adam', epsilon: 1e-5 });
});

test('mdpo’s η falls from 1 almost to 0, as 1/t of its penalty does (arXiv 2005.09814)', () => {
  const { surrogate } = resolveOnPolicy({ ...onPolicyPresets.mdpo(), env, seed: 1 });
  expect([surrogate.surrogate, surrogate.options]).toEqual(['mdpo', { eta: { from: 1, to: 1e-3 } }]);
});

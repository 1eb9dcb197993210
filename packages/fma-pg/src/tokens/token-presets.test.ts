import { tokenPresets } from './token-presets.ts';

test('the numbers of the presets are those that their methods are known by', () => {
  const of = (name: keyof typeof tokenPresets): object => {
    const { surrogate, ...rest } = tokenPresets[name]();
    return { ...rest, surrogate: { name: surrogate?.surrogate, ...surrogate?.options } };
  };
  const three = { normalizeAdvantage: 'batch', epochs: 4 };
  expect(of('reinforce')).toEqual({ surrogate: { name: 'reinforce', aggregate: 'row-mean' }, baseline: 'batch' });
  // TRL's RLOOConfig: beta .05, two generations, one ratio a completion
  expect(of('rloo')).toEqual({
    ...{ credit: 'sequence', baseline: 'leave-one-out', samplesPerPrompt: 2, klCoef: 0.05 },
    surrogate: { name: 'ppoClip', ratioLevel: 'sequence', aggregate: 'sequence-mean' },
  });
  // TRL's GRPOConfig: beta 0, eight generations, k3 in the loss
  expect(of('grpo')).toEqual({
    ...{ credit: 'sequence', baseline: 'group', normalizeAdvantage: 'group', samplesPerPrompt: 8 },
    ...{ klIn: 'loss', klCoef: 0, surrogate: { name: 'ppoClip' } },
  });
  // TRL's PPOConfig: lam .95, four epochs, kl_coef .05
  const value = { learningRate: 1e-3, gaeLambda: 0.95 };
  expect(of('ppo')).toEqual({ ...three, baseline: 'value', value, klCoef: 0.05, surrogate: { name: 'ppoClip' } });
  expect(tokenPresets.ppo({ baseline: 'batch' }).value).toBeUndefined();
  expect(of('smdpo')).toEqual({ ...three, surrogate: { name: 'smdpo' } });
  const clip = { clipEpsilon: 0.3, pessimistic: false };
  expect(of('sppo')).toEqual({ ...three, surrogate: { name: 'sppo', ...clip } });
});

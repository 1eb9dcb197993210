import { tokenPresets } from '@gimbal/fma-pg';
import { type SurrogateSettings, surrogateOf } from './surrogate-flags.ts';

type Preset = keyof typeof tokenPresets;
const of = (preset: Preset, flags: Partial<SurrogateSettings> & { credit?: 'token' | 'sequence' } = {}) =>
  surrogateOf('gimbal rl', { preset, ...flags });

test('without a flag it is the preset’s', () => {
  for (const preset of Object.keys(tokenPresets) as Preset[]) {
    const { surrogate } = tokenPresets[preset]();
    expect([of(preset).surrogate, of(preset).options]).toEqual([surrogate?.surrogate, surrogate?.options]);
  }
});

test('another one averages as the preset’s, over its ratios where it knows them', () => {
  const sequence = { ratioLevel: 'sequence', aggregate: 'sequence-mean' };
  expect(of('rloo', { surrogate: 'ppoClip' }).options).toEqual(sequence);
  expect(of('rloo', { surrogate: 'sppo' }).options).toEqual(sequence);
  expect(of('rloo', { surrogate: 'smdpo' }).options).toEqual({ aggregate: 'row-mean' });
  expect(of('rloo', { credit: 'token' }).options).toEqual({ aggregate: 'row-mean' });
  expect(of('rloo', { surrogate: 'sppo', credit: 'token' }).options).toEqual({ aggregate: 'row-mean' });
  expect(of('reinforce', { surrogate: 'ppoClip' }).options).toEqual({ aggregate: 'row-mean' });
  expect(of('grpo', { surrogate: 'ppoClip' }).options).toEqual({});
  expect(of('sppo', { surrogate: 'sppo' }).options).toEqual({ clipEpsilon: 0.3, pessimistic: false });
  // its weights sum to 1 over the batch: it has no aggregate
  expect(of('rloo', { surrogate: 'mpo' }).options).toEqual({});
});

test('every option of a surrogate is a flag', () => {
  expect(of('ppo', { clipEpsilon: 0.1, clipEpsilonHigh: 0.3 }).options).toEqual({
    clipEpsilon: { low: 0.1, high: 0.3 },
  });
  expect(of('ppo', { clipEpsilonHigh: 0.28 }).options).toEqual({ clipEpsilon: { low: 0.2, high: 0.28 } });
  expect(of('sppo', { pessimistic: true }).options).toEqual({ clipEpsilon: 0.3, pessimistic: true });
  expect(of('smdpo', { eta: 0.5, klEstimator: 'k1', negativeWeight: 'keep' }).options).toEqual({
    ...{ eta: 0.5, klEstimator: 'k1', negativeWeight: 'keep' },
  });
  expect(of('ppo', { surrogate: 'ppoKl', klPenalty: 2 }).options).toEqual({ klCoef: 2 });
  expect(of('ppo', { surrogate: 'mpo', weightTemperature: 3 }).options).toEqual({ temperature: 3 });
  expect(of('ppo', { surrogate: 'mdpo', eta: 0.1, aggregate: 'row-mean' }).options).toEqual({
    ...{ eta: 0.1, aggregate: 'row-mean' },
  });
  // GSPO is GRPO's preset with the geometric mean of a completion's ratios
  const gspo = { ratioLevel: 'geometric', aggregate: 'sequence-mean' };
  expect(of('grpo', { ratioLevel: 'geometric' }).options).toEqual(gspo);
  expect(of('rloo', { ratioLevel: 'token' }).options).toEqual({ aggregate: 'row-mean' });
});

test('what a surrogate does not have is refused by its flag', () => {
  expect(() => of('ppo', { eta: 1 })).toThrow(
    'gimbal rl --eta: the surrogate ppoClip has no such option; got 1. It is of --surrogate mdpo, smdpo, spma',
  );
  expect(() => of('reinforce', { ratioLevel: 'sequence' })).toThrow('--ratio-level: the surrogate reinforce has no');
  expect(() => of('ppo', { surrogate: 'mpo', aggregate: 'row-mean' })).toThrow('--aggregate: the surrogate mpo has no');
  expect(() => of('ppo', { ratioLevel: 'sequence' })).toThrow(
    '--ratio-level: a ratio of the whole completion goes with an advantage of the whole; got "sequence"',
  );
  expect(() => of('ppo', { clipEpsilon: 1 })).toThrow('ppoClip.clipEpsilon: out of range');
});

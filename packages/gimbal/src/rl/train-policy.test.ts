import { surrogateOf, valueOptions } from './train-policy.ts';

test('a surrogate in place of a preset’s is averaged as that is; the preset’s own stays as it is', () => {
  expect(surrogateOf('smdpo', 'rloo').options).toEqual({ aggregate: 'row-mean' });
  expect(surrogateOf('ppoClip', 'rloo').options).toEqual({ aggregate: 'row-mean' });
  expect(surrogateOf('ppoClip', 'grpo').options).toEqual({});
  expect(surrogateOf('sppo', 'sppo').options).toEqual({ clipEpsilon: 0.3, pessimistic: false });
  // its weights sum to 1 over the batch: it has no aggregate
  expect(surrogateOf('mpo', 'rloo').options).toEqual({});
});

test('a value function has what is said of it, and else the preset’s', () => {
  const learningRate = 1e-4;
  expect(valueOptions({ learningRate, valueTrunk: 'policy' })).toEqual({});
  expect(valueOptions({ learningRate, valueTrunk: 'own' }).value).toEqual({
    learningRate,
    gaeLambda: 0.95,
    trunk: 'own',
  });
  expect(valueOptions({ learningRate, gaeLambda: 1 }).value).toEqual({ learningRate: 1e-3, gaeLambda: 1 });
  expect(valueOptions({ learningRate, valueTrunk: 'own', valueLearningRate: 1 }).value).toMatchObject({
    learningRate: 1,
  });
});

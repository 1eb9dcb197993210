import { valueOptions } from './train-policy.ts';

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

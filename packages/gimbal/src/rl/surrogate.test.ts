import { surrogateOf } from './train-policy.ts';

test('a surrogate in place of a preset’s is averaged as that is; the preset’s own stays as it is', () => {
  expect(surrogateOf('smdpo', 'rloo').options).toEqual({ aggregate: 'row-mean' });
  expect(surrogateOf('ppoClip', 'rloo').options).toEqual({ aggregate: 'row-mean' });
  expect(surrogateOf('ppoClip', 'grpo').options).toEqual({});
  expect(surrogateOf('sppo', 'sppo').options).toEqual({ clipEpsilon: 0.3, pessimistic: false });
  // its weights sum to 1 over the batch: it has no aggregate
  expect(surrogateOf('mpo', 'rloo').options).toEqual({});
});

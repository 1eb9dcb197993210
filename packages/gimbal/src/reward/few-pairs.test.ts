import { fewestPairs, toldFew } from './few-pairs.ts';

test('too few pairs are said, enough are not', () => {
  expect(toldFew(3)).toMatch(/^3 pairs in all: too few to learn from.*at least 16/);
  expect(toldFew(1, 'row')).toMatch(/^1 row in all/);
  expect(toldFew(fewestPairs)).toBeUndefined();
});

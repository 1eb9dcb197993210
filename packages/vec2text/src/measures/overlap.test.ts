import { tokenF1 } from './overlap.ts';

it('counts words of two texts with multiplicity', () => {
  expect(tokenF1('a a b', 'a b b c')).toBeCloseTo((2 * 2) / 7, 12);
  expect([tokenF1('', ''), tokenF1('a', ''), tokenF1('a b', 'b a')]).toEqual([1, 0, 1]);
});

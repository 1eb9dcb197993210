import { slotEntropies } from './diversity.ts';
import { tokenF1 } from './overlap.ts';
import { correlation, ranks, spearman } from './ranks.ts';

it('ranks from 1, and equal values share the mean of their ranks', () => {
  expect([...ranks([10, 30, 20, 20])]).toEqual([1, 4, 2.5, 2.5]);
});

it('correlates ranks as by hand', () => {
  // scipy.stats.spearmanr([1,2,3,4,5],[5,6,7,8,7]).statistic = 0.8207826816681233
  expect(spearman([1, 2, 3, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(0.8207826816681233, 12);
  expect(spearman([1, 2, 3], [30, 20, 10])).toBeCloseTo(-1, 12);
  expect(correlation([1, 1, 1], [1, 2, 3])).toBe(0);
});

it('counts words of two texts with multiplicity', () => {
  expect(tokenF1('a a b', 'a b b c')).toBeCloseTo((2 * 2) / 7, 12);
  expect([tokenF1('', ''), tokenF1('a', ''), tokenF1('a b', 'b a')]).toEqual([1, 0, 1]);
});

it('measures the entropy of slots in nats', () => {
  const [same, even] = slotEntropies([
    [1, 'x'],
    [1, 'y'],
  ]);
  expect(same).toBe(0);
  expect(even).toBeCloseTo(Math.log(2), 12);
});

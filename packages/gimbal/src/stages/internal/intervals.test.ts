import { meanWithInterval, rate, ratio, rewardWithInterval } from './intervals.ts';

test('a rate has the interval of Wilson', () => {
  // 10 of 20: center = (.5 + 3.8415/40) / (1 + 3.8415/20) = .5; half = 1.96/1.19207 · √(.25/20 + 3.8415/1600) = .20071
  expect(rate(10, 20)).toEqual({
    value: 0.5,
    low: expect.closeTo(0.29929, 4),
    high: expect.closeTo(0.70071, 4),
    n: 20,
  });
  // none of 20: high = z²/(n + z²) = 3.8415/23.8415
  expect(rate(0, 20)).toMatchObject({ value: 0, low: 0, high: expect.closeTo(0.16113, 4) });
  expect(rate(20, 20)).toMatchObject({ low: expect.closeTo(1 - 0.16113, 4), high: 1 });
  expect(rate(0, 0)).toMatchObject({ low: 0, high: 1 });
});

test('a loss weighs rows by their tokens', () => {
  // rows of 1 token at 4.0 and 9 tokens at 1.0: (4 + 9) / 10 = 1.3; deviations 4 − 1.3 = 2.7 and 9 − 11.7 = −2.7;
  // se = √(2 · 2 · 7.29) / 10 = .54
  const estimate = ratio([4, 9], [1, 9]);
  expect(estimate.value).toBeCloseTo(1.3, 12);
  expect(estimate.high - estimate.value).toBeCloseTo(1.959964 * 0.54, 6);
});

test('equal rows leave no doubt', () => {
  expect(ratio([2, 4], [1, 2])).toMatchObject({ value: 2, low: 2, high: 2 });
});

test('the mean of rewards of 0 and 1 stays between them; of others it is any mean', () => {
  expect(rewardWithInterval([1, 0, 0, 0])).toEqual(rate(1, 4));
  expect(meanWithInterval([1, 0, 0, 0]).low).toBeLessThan(0); // what it would be
  expect(rewardWithInterval([0, 0])).toMatchObject({ low: 0 });
  expect(rewardWithInterval([0.5, -1])).toEqual(meanWithInterval([0.5, -1]));
  expect(rewardWithInterval([]).n).toBe(0);
});

import { intervalOf } from './verdict.ts';

test('the interval of a mean is Student’s, for few seeds and for many', () => {
  expect(intervalOf([1])).toEqual({});
  // 1, …, n: the spread is √(n(n + 1)/12), so the half-width t·√((n + 1)/12); t from tables
  for (const [n, t] of [
    [2, 12.706],
    [10, 2.262],
    [11, 2.228],
    [21, 2.086],
    [121, 1.98],
  ] as const) {
    const { interval } = intervalOf(Array.from({ length: n }, (_, i) => i + 1));
    const half = t * Math.sqrt((n + 1) / 12);
    expect(interval?.[0]).toBeCloseTo((n + 1) / 2 - half, 1);
    expect(((interval?.[1] as number) - (interval?.[0] as number)) / 2 / half).toBeCloseTo(1, 2);
  }
});

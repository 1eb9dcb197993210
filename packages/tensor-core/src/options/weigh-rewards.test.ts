import { endOfSchedules, type WeightedReward, weighRewards } from './weigh-rewards.ts';

const three = ['a', 'b', 'c'];
const judge = { name: 'judge', weight: 1, fn: () => [-2, null, -1] };
const rule = { name: 'rule', weight: 0.5, fn: () => [-1, 0, null] };
const weigh = (parts: readonly WeightedReward[], step = 0) => weighRewards(parts, step, three, three);

test('who abstains is left out of the sum, or takes the row out where it is required', async () => {
  // −2 − .5 · 1; the rule alone: 0, which is more than the judge can give; the judge alone
  const { totals, components } = await weigh([judge, rule]);
  expect(totals).toEqual([-2.5, 0, -1]);
  expect(components).toEqual({ judge: { mean: -1.5, count: 2 }, rule: { mean: -0.5, count: 2 } });
  // in whatever order they stand
  const strict = { ...judge, required: true };
  for (const parts of [
    [strict, rule],
    [rule, strict],
  ])
    expect((await weigh(parts)).totals).toEqual([-2.5, null, -1]);
  expect((await weigh([judge, { ...rule, required: true }])).totals).toEqual([-2.5, 0, null]);
});

test('a weight that moves has an end, and a schedule that gives no number is told with its part', async () => {
  const rising = { ...rule, weight: (step: number) => Math.min(step / 10, 1), fn: () => [1, 1, 1] };
  expect((await weigh([rising], 5)).totals).toEqual([0.5, 0.5, 0.5]);
  expect((await weigh([rising], endOfSchedules)).totals).toEqual([1, 1, 1]);
  const endless = { ...rising, weight: (step: number) => 2 ** step };
  await expect(weigh([endless], endOfSchedules)).rejects.toThrow(/reward rule, weight: no number at its end; got "Inf/);
  await expect(weigh([{ ...rising, weight: () => Number.NaN }], 3)).rejects.toThrow(/weight: no number at step 3/);
});

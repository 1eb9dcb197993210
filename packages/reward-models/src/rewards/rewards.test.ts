// cases.md, reward-models: rewards that answer wrongly, abstain, or are mixed.
import type { RewardFn } from '@gimbal/tensor-core';
import { rewardStats } from '../scoring/reward-fn.ts';
import { mixRewards } from './mix-rewards.ts';
import { lengthReward, repetitionReward } from './text-rewards.ts';

const four = ['a', 'b', 'c', 'd'];
const ask = (fn: unknown, completions = four) =>
  mixRewards([{ name: 'mine', weight: 1, fn: fn as RewardFn }]).fn(four, completions);

it.each([
  [[1], /reward mine: it gave another number of rewards; got 1, wanted 4/],
  [[1, 2, 3], /got 3, wanted 4/],
  [[1, 2, 3, 4, 5], /got 5, wanted 4/],
  ['1234', /reward mine: it gave no list of rewards; got "1234", wanted a list of 4 numbers/],
  [[1, Number.NaN, 3, 2], /reward mine, row 1: no reward; got "NaN", wanted a finite number, or null/],
  [[1, 2, undefined, 2], /row 2: no reward/],
])('%j for four completions is refused', async (given, message) => {
  await expect(ask(() => given)).rejects.toMatchObject({ code: 'ERR_DATA', message: expect.stringMatching(message) });
});

it('a promise of four numbers, or a typed array, is what is wanted', async () => {
  expect(await ask(async () => [1, 2, 3, 4])).toEqual([1, 2, 3, 4]);
  expect(await ask(() => Float32Array.of(1, 2, 3, 4))).toEqual([1, 2, 3, 4]);
});

it('where one abstains the other alone counts; where all do, there is no reward', async () => {
  const mix = mixRewards([
    { name: 'a', weight: 1, fn: () => [1, null, null, 3] },
    { name: 'b', weight: 2, fn: () => [10, 10, null, -10] },
  ]);
  expect(await mix.fn(four, four)).toEqual([21, 20, null, -17]);
  expect(mix.components).toEqual({ a: 2, b: 10 / 3 });
});

it('where a part that is required abstains there is no reward: what a judge has no room for is not its best', async () => {
  const judge = { name: 'judge', weight: 1, fn: () => [-2, null, null, -6] };
  const rule = { name: 'rule', weight: 1, fn: () => [0, 0, null, 0] };
  expect(await mixRewards([judge, rule]).fn(four, four)).toEqual([-2, 0, null, -6]);
  const mix = mixRewards([{ ...judge, required: true }, rule]);
  expect(await mix.fn(four, four)).toEqual([-2, null, null, -6]);
  expect(mix.components).toEqual({ judge: -4, rule: 0 });
  expect(() => mixRewards([{ ...judge, required: 'yes' as never }])).toThrow(/mixRewards judge.required/);
});

it('weights follow a schedule, and scales are made alike', async () => {
  const mix = mixRewards([
    { name: 'a', weight: (step) => step / 10, fn: () => [5], stats: { mean: 1, std: 2 } },
    { name: 'b', weight: 1, fn: () => [1] },
  ]);
  expect(await mix.fn(['p'], ['c'])).toEqual([1]);
  mix.setStep(10);
  expect(await mix.fn(['p'], ['c'])).toEqual([3]);
  const part = { name: 'a', weight: 1, fn: () => [1] };
  expect(() => mixRewards([])).toThrow(/there is no reward/);
  expect(() => mixRewards([part, part])).toThrow(/a name is given twice; got "a"/);
  expect(() => mixRewards([{ ...part, weight: Number.NaN }])).toThrow(/mixRewards a.weight: no number/);
  expect(() => mixRewards([{ ...part, stats: { mean: 0, std: 0 } }])).toThrow(/std must be > 0/);
});

it('length outside its bounds costs a point a word, repetition its share', () => {
  const bounded = lengthReward({ min: 2, max: 3 });
  expect(bounded(four, ['a', 'a b', 'a b c', 'a b c d e'])).toEqual([-1, 0, 0, -2]);
  // a b a b a: runs of two are ab, ba, ab, ba: half are repeated
  expect(repetitionReward({ n: 2 })(['p', 'p', 'p'], ['a b a b a', 'a b c', 'a'])).toEqual([-0.5, 0, 0]);
  expect(() => lengthReward({ min: 3, max: 2 })).toThrow(/bounds/);
  expect(() => repetitionReward({ n: 0 })).toThrow(/bad count/);
});

it('a schedule that gives no number is told with its part and step, and so is a share that overflows', async () => {
  const mix = (weight: number | (() => unknown)) => {
    const mixture = mixRewards([{ name: 'a', weight: weight as () => number, fn: () => [15] }]);
    mixture.setStep(3);
    return mixture.fn(['p'], ['c']);
  };
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, '2']) {
    await expect(mix(() => bad)).rejects.toThrow(/reward a, weight: no number at step 3/);
  }
  await expect(mix(1e308)).rejects.toThrow(/reward a, row 0: its share is no finite number/);
  const stats = { mean: 0, std: Number.POSITIVE_INFINITY };
  expect(() => mixRewards([{ name: 'a', weight: 1, fn: () => [1], stats }])).toThrow(/std must be/);
});

it('the scale of a reward is that of as many numbers as there are rows', async () => {
  const rows = ['a', 'b'].map((completion) => ({ prompt: 'p', completion }));
  expect(await rewardStats(() => [1, 3], rows)).toEqual({ mean: 2, std: Math.SQRT2 });
  await expect(rewardStats(() => [1, 2, 3], rows)).rejects.toThrow(/another number of rewards; got 3, wanted 2/);
  await expect(rewardStats(() => [Number.NaN, 1], rows)).rejects.toThrow(/row 0: no reward/);
});

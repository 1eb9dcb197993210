import { rng } from '@gimbal/tensor-core';
import { antisymmetrise, preferenceFromReward, preferenceOrderBias } from '../scoring/preference-fn.ts';
import {
  accuracyBySlice,
  accuracyOfMargins,
  labelledMargins,
  pairwiseAccuracy,
  preferenceAccuracy,
} from './accuracy.ts';
import { calibrationError, fitTemperature } from './calibration.ts';
import { shareOf } from './intervals.ts';

describe('accuracy', () => {
  it('counts ties as asked: of +1, −1, 0, 0 half of the ties, all or none', () => {
    const margins = [1, -1, 0, 0];
    expect(accuracyOfMargins(margins).value).toBe(0.5);
    expect(accuracyOfMargins(margins, { ties: 'correct' }).value).toBe(0.75);
    expect(accuracyOfMargins(margins, { ties: 'wrong' }).value).toBe(0.25);
    expect(() => accuracyOfMargins(margins, { ties: 'mostly' as never })).toThrow(/half, correct or wrong/);
  });

  it('has Wilson’s interval: 8 of 10 is .4902 to .9433', () => {
    // (.8 + 1.9207/10 ± 1.96 √(.016 + .0096036)) / 1.38415
    const { value, ci95, n } = shareOf(8, 10);
    expect([value, n]).toEqual([0.8, 10]);
    expect(ci95[0]).toBeCloseTo(0.4902, 4);
    expect(ci95[1]).toBeCloseTo(0.9433, 4);
    expect(shareOf(0, 0)).toEqual({ value: Number.NaN, ci95: [0, 1], n: 0 });
  });

  it('refuses rewards that abstain, are no numbers, or are too few', async () => {
    const rows = [
      { prompt: 'p', chosen: 'a', rejected: 'b' },
      { prompt: 'p', chosen: 'c', rejected: 'd' },
    ];
    await expect(pairwiseAccuracy(() => [1, null], rows)).rejects.toThrow(/pair 1: the reward abstains/);
    await expect(pairwiseAccuracy(() => [1], rows)).rejects.toThrow(/another number of rewards; got 1, wanted 2/);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, '5', true]) {
      const given = pairwiseAccuracy(() => [1, bad as number], rows);
      await expect(given).rejects.toThrow(/reward of the chosen answers, row 1: no reward/);
    }
    const nothing = pairwiseAccuracy(() => undefined as never, rows);
    await expect(nothing).rejects.toThrow(/it gave no list of rewards/);
    await expect(pairwiseAccuracy(() => [], [])).rejects.toThrow(/there are none/);
  });
});

describe('preferences', () => {
  const rows = [{ prompt: 'p', chosen: 'a', rejected: 'b' }];
  const ask = (...answers: number[]) => preferenceAccuracy(() => answers, rows);

  it('are as many as there are pairs, each a probability', async () => {
    expect((await ask(0.7)).value).toBe(1);
    await expect(ask(0.7, 0.2)).rejects.toThrow(/another number of answers; got 2, wanted 1/);
    await expect(ask()).rejects.toThrow(/another number of answers; got 0/);
    await expect(ask(Number.NaN)).rejects.toThrow(/preference, row 0: out of range/);
  });

  it('are looked at before both orders are averaged: the mean of two that are none may be one', async () => {
    const fair = antisymmetrise((_, a) => a.map((text) => (text === 'a' ? 1.3 : 0.3)));
    await expect(fair(['p'], ['a'], ['b'])).rejects.toThrow(/preference, row 0: out of range; got 1.3/);
    const short = antisymmetrise((_, a) => (a[0] === 'a' ? [0.5] : []));
    await expect(short(['p'], ['a'], ['b'])).rejects.toThrow(/another number of answers; got 0, wanted 1/);
    expect(await preferenceOrderBias(() => [], [], [], [])).toBe(0);
  });

  it('of rewards that are no numbers there are none', async () => {
    await expect(preferenceFromReward(() => [Number.NaN])(['p'], ['a'], ['b'])).rejects.toThrow(/row 0: no reward/);
    await expect(preferenceFromReward(() => [null])(['p'], ['a'], ['b'])).rejects.toThrow(/the reward abstains/);
  });
});

describe('calibration', () => {
  it('finds the temperature of margins that are three times too large, and moves no accuracy', () => {
    const stream = rng(0);
    // true logit z, the pair turned round with probability 1 − σ(z); margins say 3 z
    const margins = Array.from({ length: 20_000 }, () => {
      const z = 1.5 * stream.normal();
      return 3 * (stream.uniform() < 1 / (1 + Math.exp(-z)) ? z : -z);
    });
    const c = fitTemperature(margins);
    expect(c.temperature).toBeGreaterThan(2.8);
    expect(c.temperature).toBeLessThan(3.2);
    expect(c.lossAfter).toBeLessThan(c.lossBefore);
    expect(c.errorBefore).toBeGreaterThan(0.08);
    expect(c.errorAfter).toBeLessThan(0.01);
    // the optimum of a convex loss: nothing near it is lower
    const loss = (t: number): number =>
      margins.reduce((sum, m) => sum + Math.log1p(Math.exp(-m / t)), 0) / margins.length;
    expect(loss(c.temperature)).toBeCloseTo(c.lossAfter, 9);
    expect(loss(c.temperature * 1.01)).toBeGreaterThan(c.lossAfter);
    expect(loss(c.temperature / 1.01)).toBeGreaterThan(c.lossAfter);
  });

  it('takes targets, stays finite where a model is perfect, and has its error by hand', () => {
    // three of four pairs at margin 1 come true: σ(1/T) = .75, T = 1 / log 3
    expect(fitTemperature([1, 1, 1, 1], [1, 1, 1, 0]).temperature).toBeCloseTo(1 / Math.log(3), 6);
    expect(fitTemperature([1, 2]).temperature).toBeGreaterThan(0);
    // said .8 twice and .6 once, came true once, never (said .4 for the first: .6 for the second, which came) and once:
    // bins .6 (1.2 said, 1 + 1 came) and .8 (.8 said, 0 came): (|1.2 − 2| + |.8 − 0|) / 3
    expect(calibrationError([0.6, 0.4, 0.8], [1, 0, 0])).toBeCloseTo(1.6 / 3, 9);
    expect(() => fitTemperature([])).toThrow(/there are no pairs/);
    expect(() => fitTemperature([Number.NaN])).toThrow(/as many numbers/);
    expect(() => calibrationError([], [], 0)).toThrow(/bins: bad count/);
    expect(() => calibrationError([], [])).toThrow(/there are no pairs/);
    expect(() => calibrationError([1.2], [1])).toThrow(/probability 0: out of range; got 1.2/);
    expect(() => calibrationError([0.5], [1, 0])).toThrow(/as many numbers/);
    for (const label of [2, Number.NaN])
      expect(() => fitTemperature([1, 2], [1, label])).toThrow(/fitTemperature, target 1: out of range/);
  });
});

it('of margins that are none or no numbers there is no accuracy', () => {
  expect(() => accuracyOfMargins([])).toThrow(/there are none/);
  expect(() => accuracyOfMargins([1, Number.NaN])).toThrow(/margin 1: it is no number/);
});

it('no slice takes the name of the whole', async () => {
  const rows = ['x', 'all'].map((s) => ({ prompt: 'p', chosen: 'aa', rejected: 'b', s }));
  const length = (_: readonly string[], texts: readonly string[]) => texts.map((text) => text.length);
  await expect(accuracyBySlice(length, rows, (row) => row.s as string)).rejects.toThrow(
    /pair 1: a slice is named `all`/,
  );
  expect(Object.keys(await accuracyBySlice(length, rows, () => 'x'))).toEqual(['all', 'x']);
});

it('a temperature that no pair tells stays 1', () => {
  expect(fitTemperature([0, 0])).toMatchObject({ temperature: 1, lossBefore: Math.log(2), lossAfter: Math.log(2) });
});

test('a label below ½ says that the other answer is the better one, and at ½ that neither is', async () => {
  const long = (_: readonly string[], texts: readonly string[]): number[] => texts.map((text) => text.length);
  const longer = (_: readonly string[], a: readonly string[], b: readonly string[]): number[] =>
    a.map((text, i) => (text.length > (b[i] as string).length ? 0.9 : 0.1));
  const pair = { prompt: '', chosen: 'aaa', rejected: 'a' };
  const turned = { prompt: '', chosen: 'a', rejected: 'aaa' };
  const rows = [pair, { ...turned, label: 0 }, { ...turned, label: 0.2 }, { ...turned, label: false }];
  expect((await pairwiseAccuracy(long, rows)).value).toBe(1);
  expect((await preferenceAccuracy(longer, rows)).value).toBe(1);
  expect((await pairwiseAccuracy(long, [{ ...pair, label: 0.5 }])).value).toBe(0.5);
  expect((await pairwiseAccuracy(long, [{ ...pair, label: 0.5 }, turned])).value).toBe(0.25);
  expect((await accuracyBySlice(long, rows, () => 'x')).x?.value).toBe(1);
  expect(labelledMargins([2, 2, 2], [pair, { ...pair, label: 0.4 }, { ...pair, label: null }])).toEqual([2, -2, 2]);
  expect(labelledMargins([2, 2], [pair, { ...pair, label: false }])).toEqual([2, -2]);
  // what training refuses
  for (const label of ['spam', '0', 0n, Number.NaN, 7, -1])
    expect(() => labelledMargins([1, 1], [pair, { ...pair, label }])).toThrow(/pair 1: column label is out of range/);
  await expect(pairwiseAccuracy(long, [{ ...pair, label: '0' }])).rejects.toThrow(/pair 0: column label/);
  await expect(pairwiseAccuracy(long, rows, { tie: 'wrong' } as never)).rejects.toThrow(
    /unknown option tie.*mean ties/,
  );
});

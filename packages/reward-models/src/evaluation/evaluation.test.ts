import { rng } from '@gimbal/tensor-core';
import { accuracyOfMargins, pairwiseAccuracy } from './accuracy.ts';
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
    await expect(pairwiseAccuracy(() => [1, null], rows)).rejects.toThrow(/pair 1: a score is no number/);
    await expect(pairwiseAccuracy(() => [1, Number.NaN], rows)).rejects.toThrow(/pair 1: a score is no number/);
    await expect(pairwiseAccuracy(() => [1], rows)).rejects.toThrow(/another number of scores; got 1, wanted 2/);
    await expect(pairwiseAccuracy(() => [], [])).rejects.toThrow(/there are none/);
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
  });
});

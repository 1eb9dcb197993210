import { fitTemperature } from '@gimbal/reward-models';
import { toldCalibration } from './calibration.ts';

test('pairs that are all right, or all wrong, tell no temperature: it stays 1', () => {
  for (const margins of [
    [0.2, 1, 3],
    [-0.2, -1, -3],
  ]) {
    const fitted = fitTemperature(margins);
    const { told, temperature, lossAfter, errorAfter, text } = toldCalibration(fitted, {
      n: 3,
      value: (margins[0] as number) > 0 ? 1 : 0,
    });
    expect({ told, temperature }).toEqual({ told: false, temperature: 1 });
    expect([lossAfter, errorAfter]).toEqual([fitted.lossBefore, fitted.errorBefore]);
    expect(text).toMatch(/3 held-out pairs, all right or all wrong, tell no temperature/);
  }
});

test('nor do pairs that are too few to tell it from 1', () => {
  // five of eight right by .1: σ(.1/T) = 5/8 at T = .1 / ln(5/3) = .196, but 2·8·(.6819 − .6616) = .33 < 3.84
  const margins = [0.1, 0.1, 0.1, 0.1, 0.1, -0.1, -0.1, -0.1];
  const fitted = fitTemperature(margins);
  expect(fitted.temperature).toBeCloseTo(0.1 / Math.log(5 / 3), 6);
  const found = toldCalibration(fitted, { n: 8, value: 5 / 8 });
  expect(found).toMatchObject({ told: false, temperature: 1, errorAfter: fitted.errorBefore });
  expect(found.text).toMatch(/8 held-out pairs do not tell a temperature from 1, where it stays/);
  // the same shares of 400 pairs do: 2·400·.0203 = 16
  const many = Array.from({ length: 50 }, () => margins).flat();
  expect(toldCalibration(fitTemperature(many), { n: 400, value: 5 / 8 })).toMatchObject({
    told: true,
    temperature: fitted.temperature,
  });
});

test('where the search ended at its bound, that is what is said, not that pairs are all right or all wrong', () => {
  // the surer half is wrong: σ(margin / T) is likeliest where T has no end
  const fitted = fitTemperature(Array.from({ length: 90 }, (_, i) => (i % 3 === 0 ? -9 : 1)));
  const { told, temperature, text } = toldCalibration(fitted, { n: 90, value: 2 / 3 });
  expect({ told, temperature }).toEqual({ told: false, temperature: 1 });
  expect(text).toMatch(/none between 0.001 and 1000 is the likeliest: it stays 1/);
});

test('else the fit is what it was; that its error over bins is larger is said', () => {
  // three of four right by 4: σ(4/T) = 3/4 at T = 4 / ln 3
  const fitted = fitTemperature(Array.from({ length: 40 }, (_, i) => (i % 4 === 0 ? -4 : 4)));
  expect(fitted.temperature).toBeCloseTo(4 / Math.log(3), 6);
  const of = { n: 40, value: 0.75 };
  const { text, ...found } = toldCalibration(fitted, of);
  expect(found).toEqual({ ...fitted, told: true });
  expect(text).toBe(`${fitted.errorBefore.toFixed(3)} → 0.000 at temperature 3.641`);
  expect(toldCalibration({ ...fitted, errorAfter: 0.4 }, of).text).toMatch(/likelier, though its error over bins/);
});

import { fitTemperature } from '@gimbal/reward-models';
import { toldCalibration } from './calibration.ts';

test('pairs that are all right, or all wrong, tell no temperature: it stays 1', () => {
  for (const margins of [
    [0.2, 1, 3],
    [-0.2, -1, -3],
  ]) {
    const fitted = fitTemperature(margins);
    const { told, temperature, lossAfter, errorAfter } = toldCalibration(fitted);
    expect({ told, temperature }).toEqual({ told: false, temperature: 1 });
    expect([lossAfter, errorAfter]).toEqual([fitted.lossBefore, fitted.errorBefore]);
  }
});

test('else the fit is what it was', () => {
  const fitted = fitTemperature([2, 1, -1, 2]);
  expect(toldCalibration(fitted)).toEqual({ ...fitted, told: true });
});

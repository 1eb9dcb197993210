// The temperature that is saved with a model. Where the held-out pairs are all right, or all wrong, the likelihood has no
// optimum: the fit runs to its bound, and σ(margin / 10⁻⁴) would make every later preference 0 or 1.
import type { Calibration } from '@gimbal/reward-models';

/** Below it, and above its inverse, a fitted temperature is where the search ended. */
const least = 1e-3;

/** A calibration, and whether the pairs told a temperature. */
export interface ToldCalibration extends Calibration {
  told: boolean;
}

/** @returns the fit as it is, or, where it ran to its bound, temperature 1 and the errors as they were */
export function toldCalibration(fitted: Calibration): ToldCalibration {
  if (fitted.temperature > least && fitted.temperature < 1 / least) return { ...fitted, told: true };
  return { ...fitted, told: false, temperature: 1, lossAfter: fitted.lossBefore, errorAfter: fitted.errorBefore };
}

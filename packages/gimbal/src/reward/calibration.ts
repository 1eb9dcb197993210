// The temperature that is saved with a model, from held-out pairs. It stays 1 where they do not tell one:
// - all right, or all wrong: the likelihood has no optimum, the fit runs to its bound, and σ(margin / 10⁻⁴) would make every
//   later preference 0 or 1;
// - too few to tell it from 1: the likelihood-ratio test, 2 N (loss(1) − loss(T)) below the χ² quantile of one degree of
//   freedom at 5 % (Wilks 1938). Eight pairs fit whatever temperature they like, and it would be worse on any others.
import type { Calibration, Share } from '@gimbal/reward-models';
import { counted } from '../cli/format.ts';

/** Below it, and above its inverse, a fitted temperature is where the search ended. */
const least = 1e-3;

/** 95 % of χ² with one degree of freedom lies below. */
const chiSquare95 = 3.841;

/** A calibration, and whether the pairs told a temperature. */
export interface ToldCalibration extends Calibration {
  told: boolean;
  /** what is said of it: the error before and after, or why the temperature stays 1 */
  text: string;
}

/**
 * The fit as it is, or, where it is not told, temperature 1 and the errors as they were.
 * @param accuracy on the pairs that it was fitted on
 */
export function toldCalibration(fitted: Calibration, { n: pairs, value }: Pick<Share, 'n' | 'value'>): ToldCalibration {
  const { temperature, errorBefore: before, errorAfter: after, lossBefore, lossAfter } = fitted;
  const held = counted(pairs, 'held-out pair');
  const stays = (why: string): ToldCalibration => {
    const text = `${before.toFixed(3)}; ${held}${why}`;
    return { ...fitted, told: false, temperature: 1, lossAfter: lossBefore, errorAfter: before, text };
  };
  if (value === 0 || value === 1) return stays(', all right or all wrong, tell no temperature');
  if (2 * pairs * (lossBefore - lossAfter) < chiSquare95) {
    return stays(` ${pairs === 1 ? 'does' : 'do'} not tell a temperature from 1, where it stays`);
  }
  if (!(temperature > least && temperature < 1 / least)) {
    return stays(`, none between ${least} and ${1 / least} is the likeliest: it stays 1`);
  }
  // the fit is of the likelihood: of few pairs the error over bins may say otherwise
  const worse = after > before ? ': likelier, though its error over bins is larger' : '';
  const text = `${before.toFixed(3)} → ${after.toFixed(3)} at temperature ${temperature.toFixed(3)}${worse}`;
  return { ...fitted, told: true, text };
}

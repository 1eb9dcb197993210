// Whether σ(margin) is the share of pairs that turn out so, and the temperature that makes it so (Guo et al., arXiv
// 1706.04599): one number, fitted on held-out pairs, that moves no order and no accuracy.
import { ConfigError, DataError } from '@gimbal/tensor-core';

/** A temperature, and what it does. */
export interface Calibration {
  /** Margins are to be divided by it; 1 where no pair tells it. */
  readonly temperature: number;
  /** Mean −log σ(margin) as it was. */
  readonly lossBefore: number;
  /** The same at the temperature: never higher. */
  readonly lossAfter: number;
  /** Expected calibration error as it was, in [0, 1]. */
  readonly errorBefore: number;
  /** The same at the temperature. */
  readonly errorAfter: number;
}

/**
 * Fits T of P(chosen ≻ rejected) = σ(margin / T) by likelihood. Where no pair tells it (all margins are 0) it stays 1.
 * @param margins r(chosen) − r(rejected) of held-out pairs, or logits of a preference model
 * @param targets P(chosen is better) of each (all 1)
 * @throws DataError without pairs, for margins that are no numbers, or a target outside [0, 1]
 * @example
 * const { temperature } = fitTemperature(await rewardMargins(reward, heldOut));
 * const preference = preferenceFromReward(reward, { temperature });
 */
export function fitTemperature(margins: ArrayLike<number>, targets?: ArrayLike<number>): Calibration {
  const where = 'fitTemperature';
  const z = Array.from(margins);
  const t = targets === undefined ? z.map(() => 1) : Array.from(targets);
  if (z.length === 0 || t.length !== z.length || !z.every(Number.isFinite)) {
    const what = z.length === 0 ? 'there are no pairs' : 'margins and targets must be as many numbers';
    throw new DataError({ where, what, got: `${z.length} and ${t.length}` });
  }
  checkProbabilities(`${where}, target`, t);
  // convex in b = 1/T: bisection of its slope, between bounds that a perfect or a useless model would run to
  const loss = (b: number): number => mean(z.map((x, i) => softplus(b * x) - (t[i] as number) * b * x));
  const slope = (b: number): number => mean(z.map((x, i) => x * (sigmoid(b * x) - (t[i] as number))));
  const flat = z.every((x) => x === 0);
  let [low, high] = [1e-4, 1e4];
  for (let i = 0; i < 200; i++) {
    const middle = Math.sqrt(low * high);
    if (slope(middle) > 0) high = middle;
    else low = middle;
  }
  const b = flat ? 1 : Math.sqrt(low * high);
  const error = (scale: number): number =>
    calibrationError(
      z.map((x) => sigmoid(scale * x)),
      t,
    );
  return {
    temperature: 1 / b,
    lossBefore: loss(1),
    lossAfter: loss(b),
    errorBefore: error(1),
    errorAfter: error(b),
  };
}

/**
 * Expected calibration error of pairs: over bins of equal width of the more likely side's probability, the mean distance
 * between that probability and how often it came true, weighted by pairs.
 * @param probabilities P(first is better), in [0, 1]
 * @param targets whether it is, in [0, 1]
 * @param bins of [½, 1] (10)
 * @throws DataError without pairs, or for a number outside [0, 1]; ConfigError for bins that are no count
 */
export function calibrationError(probabilities: ArrayLike<number>, targets: ArrayLike<number>, bins = 10): number {
  if (!(Number.isSafeInteger(bins) && bins > 0)) {
    throw new ConfigError({
      where: 'calibrationError.bins',
      what: 'bad count',
      got: bins,
      wanted: 'a whole number > 0',
    });
  }
  const n = probabilities.length;
  if (n === 0 || targets.length !== n) {
    const what = n === 0 ? 'there are no pairs' : 'probabilities and targets must be as many numbers';
    throw new DataError({ where: 'calibrationError', what, got: `${n} and ${targets.length}` });
  }
  checkProbabilities('calibrationError, probability', probabilities);
  checkProbabilities('calibrationError, target', targets);
  const [said, came] = [new Float64Array(bins), new Float64Array(bins)];
  for (let i = 0; i < n; i++) {
    const p = probabilities[i] as number;
    const [sure, right] = p >= 0.5 ? [p, targets[i] as number] : [1 - p, 1 - (targets[i] as number)];
    const bin = Math.min(Math.floor((sure - 0.5) * 2 * bins), bins - 1);
    said[bin] = (said[bin] as number) + sure;
    came[bin] = (came[bin] as number) + right;
  }
  return said.reduce((total, s, i) => total + Math.abs(s - (came[i] as number)), 0) / n;
}

function checkProbabilities(where: string, list: ArrayLike<number>): void {
  const bad = Array.from(list).findIndex((p) => !(p >= 0 && p <= 1));
  if (bad < 0) return;
  throw new DataError({
    where: `${where} ${bad}`,
    what: 'out of range',
    got: list[bad],
    wanted: 'a number from 0 to 1',
  });
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

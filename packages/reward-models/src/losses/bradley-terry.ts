// The loss of a reward model: Bradley and Terry (1952) on the difference of two scores.
//   L = −log σ(r(x,y⁺) − r(x,y⁻) − m) + c (r⁺ + r⁻)²
// WARM eq. 1 has m = c = 0. The margin m is Llama 2's (arXiv 2307.09288, eq. 2), centring c that of Eisenstein et al.
// (arXiv 2312.09244): a pair says nothing about the mean of its two scores, so nothing else holds it near 0.
import { ConfigError } from '@gimbal/tensor-core';
import { add, mul, type Scalar, square, sub, sum, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { binaryCrossEntropySum, checkSame, type PairLossOptions } from './pair-terms.ts';

/** What the Bradley–Terry loss takes beside the scores. */
export interface BradleyTerryOptions extends PairLossOptions {
  /** By how much the better score should at least be ahead [B], ≥ 0 (0). */
  margins?: Tensor1D;
  /** c: weight of the squared sum of a pair's scores (0; .01 holds scores near 0 without moving their order). */
  centerCoef?: number;
}

/**
 * Σ over pairs of −log σ(r⁺ − r⁻ − m) + c (r⁺ + r⁻)², differentiable in the scores.
 * @param chosen r⁺ [B] float32
 * @param rejected r⁻ [B] float32
 * @returns a scalar that the caller disposes; divide by the pairs for the mean
 * @throws ShapeError where shapes differ, ConfigError for a coefficient or smoothing out of range
 * @example
 * bradleyTerryLoss(tensor1d([1]), tensor1d([0])); // softplus(−1) = .3133
 */
export function bradleyTerryLoss(chosen: Tensor1D, rejected: Tensor1D, o: BradleyTerryOptions = {}): Scalar {
  const where = 'bradleyTerryLoss';
  const { margins, centerCoef = 0 } = o;
  checkSame(where, 'rejected', rejected, chosen);
  if (margins !== undefined) checkSame(where, 'margins', margins, chosen);
  if (!(centerCoef >= 0 && Number.isFinite(centerCoef))) {
    const wanted = 'a number ≥ 0';
    throw new ConfigError({ where: `${where}.centerCoef`, what: 'out of range', got: centerCoef, wanted });
  }
  return tidy(() => {
    const ahead = sub(chosen, rejected);
    const loss = binaryCrossEntropySum(where, (margins === undefined ? ahead : sub(ahead, margins)) as Tensor1D, o);
    if (centerCoef === 0) return loss as Scalar;
    const squares = square(add(chosen, rejected));
    return add(loss, mul(sum(o.weights === undefined ? squares : mul(squares, o.weights)), centerCoef)) as Scalar;
  });
}

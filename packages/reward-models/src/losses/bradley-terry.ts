// The loss of a reward model: Bradley and Terry (1952) on the difference of two scores.
//   L = −log σ(r(x,y⁺) − r(x,y⁻) − m) + c (r⁺ + r⁻)²,  y⁺ the better answer
// WARM eq. 1 has m = c = 0. The margin m is Llama 2's (arXiv 2307.09288, eq. 2), centring c that of Eisenstein et al.
// (arXiv 2312.09244): a pair says nothing about the mean of its two scores, so nothing else holds it near 0.
import { ConfigError, checkKnown, optionNames } from '@gimbal/tensor-core';
import { add, mul, type Scalar, sign, square, sub, sum, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { binaryCrossEntropySum, checkSame, type PairLossOptions, pairLossNames } from './pair-terms.ts';

/** What the Bradley–Terry loss takes beside the scores. */
export interface BradleyTerryOptions extends PairLossOptions {
  /**
   * By how much the better score should at least be ahead [B], ≥ 0 (0). The better one is what `targets` says: below ½ it is
   * the second, so that the margin has the other sign, and at ½ neither, so that it has no effect.
   */
  margins?: Tensor1D;
  /** c: weight of the squared sum of a pair's scores (0; .01 holds scores near 0 without moving their order). */
  centerCoef?: number;
}

const lossNames = optionNames<BradleyTerryOptions>({ ...pairLossNames, margins: true, centerCoef: true });

/**
 * Σ over pairs of −t log σ(z) − (1 − t) log σ(−z) + c (r⁺ + r⁻)², z = r⁺ − r⁻ − m·sign(2t − 1), differentiable in the
 * scores. Exchanging a pair's answers and turning its target round gives the same.
 * @param chosen r⁺ [B] float32
 * @param rejected r⁻ [B] float32
 * @returns a scalar that the caller disposes; divide by the pairs for the mean
 * @throws ShapeError where shapes differ, ConfigError for an unknown option, a coefficient or smoothing out of range
 * @example
 * bradleyTerryLoss(tensor1d([1]), tensor1d([0])); // softplus(−1) = .3133
 */
export function bradleyTerryLoss(chosen: Tensor1D, rejected: Tensor1D, o: BradleyTerryOptions = {}): Scalar {
  const where = 'bradleyTerryLoss';
  checkKnown(where, o, lossNames);
  const { margins, targets, centerCoef = 0 } = o;
  checkSame(where, 'rejected', rejected, chosen);
  if (margins !== undefined) checkSame(where, 'margins', margins, chosen);
  if (targets !== undefined) checkSame(where, 'targets', targets, chosen);
  if (!(centerCoef >= 0 && Number.isFinite(centerCoef))) {
    const wanted = 'a number ≥ 0';
    throw new ConfigError({ where: `${where}.centerCoef`, what: 'out of range', got: centerCoef, wanted });
  }
  return tidy(() => {
    const ahead = sub(chosen, rejected);
    // asked of the better answer, whichever that is
    const signed = margins && targets ? mul(margins, sign(sub(targets, 0.5))) : margins;
    const logits = (signed === undefined ? ahead : sub(ahead, signed)) as Tensor1D;
    const loss = binaryCrossEntropySum(where, logits, o);
    if (centerCoef === 0) return loss as Scalar;
    const squares = square(add(chosen, rejected));
    return add(loss, mul(sum(o.weights === undefined ? squares : mul(squares, o.weights)), centerCoef)) as Scalar;
  });
}

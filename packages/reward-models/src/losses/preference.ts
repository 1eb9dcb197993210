// The loss of a preference model, and the two ways to make P(a ≻ b) = 1 − P(b ≻ a) hold by construction, cycles included.
//   antisymmetric    z = (f(x,a,b) − f(x,b,a)) / 2          any network of both answers, two passes a pair
//   skew-symmetric   z = v(x,a)ᵀ S v(x,b), Sᵀ = −S          one pass an answer: n, not n², for all pairs of n answers
// The second is the general preference model of Zhang et al. (arXiv 2410.02197): S has blocks [[0, 1], [−1, 0]].
import { checkKnown, ShapeError } from '@gimbal/tensor-core';
import {
  mul,
  reshape,
  type Scalar,
  slice,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { binaryCrossEntropySum, checkSame, type PairLossOptions, pairLossNames } from './pair-terms.ts';

/**
 * z = (f(a,b) − f(b,a)) / 2, so that swapping the answers turns the sign and nothing else.
 * @param forward f(x,a,b) [B]
 * @param backward f(x,b,a) [B]
 * @returns [B]; the caller disposes it
 * @throws ShapeError where the shapes differ
 */
export function antisymmetricLogits(forward: Tensor1D, backward: Tensor1D): Tensor1D {
  checkSame('antisymmetricLogits', 'backward', backward, forward);
  return tidy(() => mul(sub(forward, backward), 0.5) as Tensor1D);
}

/**
 * z = Σⱼ (u₂ⱼ v₂ⱼ₊₁ − u₂ⱼ₊₁ v₂ⱼ): 0 for u = v, and its sign turns when they are swapped.
 * @param u embeddings of the first answers [B,2k]
 * @param v embeddings of the second answers [B,2k]
 * @returns [B]; the caller disposes it
 * @throws ShapeError where the shapes differ or the width is odd
 */
export function skewSymmetricLogits(u: Tensor2D, v: Tensor2D): Tensor1D {
  checkSame('skewSymmetricLogits', 'v', v, u);
  const [rows, width] = u.shape;
  if (width % 2 !== 0 || width === 0) {
    const wanted = 'pairs of numbers: an even width';
    throw new ShapeError({ where: 'skewSymmetricLogits', what: 'the width of the embeddings', got: width, wanted });
  }
  return tidy(() => {
    const half = (x: Tensor, at: 0 | 1): Tensor =>
      slice(reshape(x, [rows, width / 2, 2]), [0, 0, at], [rows, width / 2, 1]);
    const planes = sub(mul(half(u, 0), half(v, 1)), mul(half(u, 1), half(v, 0))); // [B,k,1]
    return reshape(sum(planes, 1), [rows]) as Tensor1D;
  });
}

/**
 * Σ over pairs of −t log σ(z) − (1 − t) log σ(−z), differentiable in the logits.
 * @param logits z of P(first ≻ second) = σ(z) [B]
 * @returns a scalar that the caller disposes; divide by the pairs for the mean
 * @throws ShapeError where shapes differ, ConfigError for an unknown option or smoothing out of range
 */
export function preferenceLoss(logits: Tensor1D, o: PairLossOptions = {}): Scalar {
  checkKnown('preferenceLoss', o, Object.keys(pairLossNames));
  return tidy(() => binaryCrossEntropySum('preferenceLoss', logits, o) as Scalar);
}

// What the losses on pairs share: checks, and the mean of −t log σ(z) − (1 − t) log σ(−z) in the form that cannot overflow.
import { ConfigError, ShapeError } from '@gimbal/tensor-core';
import { add, mul, softplus, sub, sum, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';

/** What a pair may bring beside its two scores. Sums, not means: the training loop divides by the pairs of an update. */
export interface PairLossOptions {
  /** P(the first is the better one) [B], in [0, 1] (1: the labels are taken as they stand). */
  targets?: Tensor1D;
  /** Factor of each pair's loss [B], ≥ 0 (1). */
  weights?: Tensor1D;
  /** Share of the probability that is given to the other answer, in [0, .5): t ← (1 − ε) t + ε (1 − t) (0). */
  labelSmoothing?: number;
}

/** Names of the options that losses on pairs share. */
export const pairLossNames = {
  targets: true,
  weights: true,
  labelSmoothing: true,
} as const satisfies Record<keyof PairLossOptions, true>;

/**
 * Σ w (−t log σ(z) − (1 − t) log σ(−z)) = Σ w (softplus(−z) + (1 − t) z), exact where σ underflows.
 * @param logits z [B], > 0 where the first is the better one
 */
export function binaryCrossEntropySum(
  where: string,
  logits: Tensor1D,
  { targets, weights, labelSmoothing = 0 }: PairLossOptions,
): Tensor {
  if (!(labelSmoothing >= 0 && labelSmoothing < 0.5)) {
    throw new ConfigError({
      where: `${where}.labelSmoothing`,
      what: 'out of range',
      got: labelSmoothing,
      wanted: 'a number from 0 to below .5',
    });
  }
  for (const [name, t] of Object.entries({ targets, weights })) {
    if (t !== undefined) checkSame(where, name, t, logits);
  }
  // t' = (1 − ε) t + ε (1 − t) = t (1 − 2ε) + ε
  const other = targets === undefined ? labelSmoothing : sub(1 - labelSmoothing, mul(targets, 1 - 2 * labelSmoothing));
  const losses = softplus(mul(logits, -1));
  const all = typeof other === 'number' && other === 0 ? losses : add(losses, mul(logits, other));
  return sum(weights === undefined ? all : mul(all, weights));
}

/** @throws ShapeError naming what differs */
export function checkSame(where: string, name: string, t: Tensor, like: Tensor): void {
  if (String(t.shape) === String(like.shape)) return;
  throw new ShapeError({ where, what: `${name} has another shape`, got: t.shape, wanted: `[${like.shape}]` });
}

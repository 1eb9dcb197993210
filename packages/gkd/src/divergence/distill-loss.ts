/** D of whole completions: the mean over tokens, then over sequences, or over all tokens alike. */
import { ConfigError, checkKnown, checkName, ShapeError } from '@gimbal/tensor-core';
import {
  add,
  cast,
  div,
  equal,
  mean,
  mul,
  notEqual,
  type Scalar,
  sum,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { checkDivergence, type Divergence, type Temperatures } from './divergence.ts';
import { checkTensor, temperatureNames, temperaturesIn, tokenDivergence } from './token-divergence.ts';

/**
 * 'sequence': mean over the tokens of each completion, then over completions (eq. 2 of the paper). 'token': mean over all
 * tokens of the batch, so that longer completions weigh more.
 */
export type LossReduction = 'sequence' | 'token';

/** What a loss on whole completions is computed from. */
export interface DistillLossInput extends Temperatures {
  /** the student's logits `[B, T, V]` at the positions that predict the completion */
  zS: Tensor3D;
  /** the teacher's, like zS */
  zT: Tensor3D;
  /** `[B, T]`: 1 up to and with the first end token, 0 after it */
  mask: Tensor2D;
  /** which D */
  divergence: Divergence;
  /** default 'sequence' */
  reduction?: LossReduction;
}

/**
 * D(p‖q) of completions: dense, all logits at once (`chunkedDistillLoss` never has them). Differentiable in zS. A
 * completion without a token counts 0; padding may hold any number.
 * @returns a scalar, in nats; the caller disposes it
 * @throws ShapeError where zS, zT and mask do not fit, ConfigError for a divergence or reduction that is none
 * @example const loss = distillLoss({ zS, zT, mask, divergence: { kind: 'jsd', beta: 0.9 }, reduction: 'token' })
 */
export function distillLoss(o: DistillLossInput): Scalar {
  checkKnown('distillLoss', o, ['zS', 'zT', 'mask', 'divergence', 'reduction', ...temperatureNames]);
  const { zS, zT, mask, divergence, reduction = 'sequence' } = o;
  for (const [name, x] of Object.entries({ zS, zT, mask })) checkTensor('distillLoss', name, x);
  checkDivergence('distillLoss', divergence);
  checkName('distillLoss, reduction', reduction, ['sequence', 'token']);
  if (zS.rank !== 3) throw new ConfigError({ where: 'distillLoss', what: 'zS', got: zS.shape, wanted: '[B, T, V]' });
  checkMask('distillLoss', mask, zS.shape.slice(0, 2));
  return tidy(() => reduceTokens(tokenDivergence<Tensor2D>(zS, zT, divergence, temperaturesIn(o)), mask, reduction));
}

/**
 * The mean of per-token numbers.
 * @param values `[B, T]`; what they are at padding does not matter
 * @param mask `[B, T]`
 */
function reduceTokens(values: Tensor2D, mask: Tensor2D, reduction: LossReduction): Scalar {
  const kept = where(notEqual(mask, 0), mul(values, mask), zerosLike(values));
  const atLeastOne = (count: Tensor): Tensor => add(count, cast(equal(count, 0), 'float32'));
  if (reduction === 'token') return div<Scalar>(sum(kept), atLeastOne(sum(mask)));
  return mean<Scalar>(div(sum(kept, 1), atLeastOne(sum(mask, 1))));
}

/** @throws ShapeError */
export function checkMask(at: string, mask: Tensor, shape: readonly number[]): void {
  if (String(mask.shape) === String(shape)) return;
  throw new ShapeError({ where: at, what: 'mask has another shape', got: mask.shape, wanted: `[${shape}]` });
}

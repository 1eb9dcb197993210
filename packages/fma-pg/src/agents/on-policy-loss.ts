/** The loss of one minibatch: surrogate, value error, entropy. */
import type { Params } from '@gimbal/tensor-core';
import {
  add,
  clipByValue,
  maximum,
  mean,
  mul,
  type Scalar,
  square,
  stack,
  sub,
  type Tensor,
  type Tensor1D,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type Anneal, annealedWithin, notNegative } from '../internal/anneal.ts';
import type { Surrogate, SurrogateInput } from '../surrogates/surrogate.ts';
import { resultOf } from '../surrogates/surrogate-result.ts';
import { analyticKlOf } from '../surrogates/surrogates.ts';
import type { ActorCritic, ActorCriticParams } from './actor-critic.ts';
import type { MinibatchTensors } from './on-policy-batch.ts';

export interface LossOptions {
  surrogate: Surrogate;
  valueCoef: number;
  valueClip?: number;
  entropyCoef: Anneal;
  /** false: the value function is trained apart */
  joint: boolean;
}

/** Order of the numbers that `minibatchLoss` packs for reading. */
export const statNames = [
  'policyLoss',
  'valueLoss',
  'entropy',
  'klForward',
  'klReverse',
  'clipFraction',
  'ratioMax',
  'clampedShare',
  'heldShare',
] as const;
export type UpdateStats = { [name in (typeof statNames)[number]]: number };

/** The input of a surrogate for one minibatch. */
export function surrogateInput(
  net: ActorCritic,
  policy: Params,
  old: Params,
  b: MinibatchTensors,
  surrogate: Surrogate,
  progress: number,
): { input: SurrogateInput; entropy: Tensor } {
  const d = net.distribution(policy, net.outputs(policy, b), b.mask);
  const wanted = analyticKlOf(surrogate);
  const before = wanted === undefined ? undefined : net.distribution({ head: old }, b.oldOutputs, b.mask);
  const kl =
    before === undefined ? undefined : wanted === 'forward' ? { forward: before.kl(d) } : { reverse: d.kl(before) };
  const input: SurrogateInput = {
    logProbs: d.logProb(b.actions),
    oldLogProbs: b.oldLogProbs,
    advantages: b.advantages,
    ...(kl !== undefined && { kl }),
    progress,
  };
  return { input, entropy: d.entropy() };
}

/** @returns the loss, and the numbers of `statNames` in one tensor */
export function minibatchLoss(
  net: ActorCritic,
  params: ActorCriticParams,
  old: Params,
  b: MinibatchTensors,
  o: LossOptions,
  progress: number,
): { value: Scalar; aux: Tensor1D } {
  const { input, entropy } = surrogateInput(net, params.policy, old, b, o.surrogate, progress);
  const { loss, stats } = resultOf(o.surrogate, input);
  const meanEntropy = mean<Scalar>(entropy);
  const coefficient = annealedWithin('entropyCoef', o.entropyCoef, progress, notNegative);
  let total: Scalar = coefficient === 0 ? loss : add(loss, mul(meanEntropy, -coefficient));
  let valueLoss: Scalar = zerosLike(loss);
  if (o.joint) {
    valueLoss = valueError(net.values(params.value, b), b, o.valueClip);
    total = add(total, mul(valueLoss, o.valueCoef));
  }
  const aux = stack([
    loss,
    valueLoss,
    meanEntropy,
    stats.klForward,
    stats.klReverse,
    stats.clipFraction,
    stats.ratioMax,
    stats.clampedShare,
    stats.heldShare,
  ]) as Tensor1D;
  return { value: total, aux };
}

/** ½ mean (V − R)², or with a clip ½ mean max((V − R)², (V_t + clip(V − V_t) − R)²). */
export function valueError(values: Tensor, b: Pick<MinibatchTensors, 'returns' | 'values'>, clip?: number): Scalar {
  const error = square(sub(values, b.returns));
  if (clip === undefined) return mul<Scalar>(mean(error), 0.5);
  const moved = clipByValue(sub(values, b.values), -clip, clip);
  const clipped = square(sub(add(b.values, moved), b.returns));
  return mul<Scalar>(mean(maximum(error, clipped)), 0.5);
}

/** What tokens of completions count that were sampled from p̃ = (1 − α) q + α p instead of q: importance weights. */
import type { LogitPolicy, Params, TokenBatch } from '@gimbal/tensor-core';
import { tidy } from '@tensorflow/tfjs-core';
import type { ModelTeacher } from '../teachers/model-teacher.ts';

/** Which weights: see `GkdOptions.mixWeights`. */
export interface MixWeights {
  kind: 'token' | 'exact';
  /** α */
  share: number;
  /** 'exact': of the whole completion for each token, or of the tokens in front of it */
  whole: boolean;
}

/**
 * @param logQ of the completion's tokens under the student
 * @param logP of them under the teacher
 * @returns of each token; q/p̃ = 1 / (1 − α + α p/q)
 */
export function mixWeightsOf(
  logQ: ArrayLike<number>,
  logP: ArrayLike<number>,
  { kind, share, whole }: MixWeights,
): Float32Array {
  const own = Array.from(logQ, (q, n) => 1 / (1 - share + share * Math.exp((logP[n] as number) - q)));
  if (kind === 'token') return Float32Array.from(own);
  let product = 1;
  const before = own.map((ratio) => {
    const front = product;
    product *= ratio;
    return front;
  });
  return Float32Array.from(before, (front) => (whole ? product : front));
}

/** Weights of each completion's tokens, from a pass of both models. */
export function weighMixture(
  student: LogitPolicy,
  params: Params,
  { policy, params: fixed }: ModelTeacher,
  prompts: TokenBatch,
  completions: TokenBatch,
  how: MixWeights,
): Float32Array[] {
  const { width } = completions;
  const read = (model: LogitPolicy, p: Params): Float32Array =>
    tidy(() => model.logProbs(p, prompts, completions).dataSync<'float32'>().slice());
  const [q, p] = [read(student, params), read(policy, fixed)];
  return Array.from(completions.lengths, (length, b) => {
    const row = (x: Float32Array): Float32Array => x.subarray(b * width, b * width + length);
    return mixWeightsOf(row(q), row(p), how);
  });
}

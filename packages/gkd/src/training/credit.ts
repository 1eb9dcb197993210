/** Coefficients of log q of each token: what sampling contributes to the gradient beside the divergence itself. */
import { surrogates } from '@gimbal/fma-pg';
import { grad, type Tensor, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { MicroBatch } from './examples.ts';

/**
 * Of −E[r − b] log q: fma-pg's REINFORCE at the policy that sampled, Σ over a completion, mean over the micro-batch's. Its
 * derivative at log-probabilities that are the sampler's own does not depend on them.
 * @returns `[R]`, times the number of completions: a sum
 */
export function rewardCoefficients({ completions, examples, places }: MicroBatch): Float32Array {
  const shape: [number, number] = [completions.lengths.length, completions.width];
  const advantages = new Float32Array(shape[0] * shape[1]);
  const mask = new Float32Array(advantages.length);
  for (const [b, { completion, advantage }] of examples.entries()) {
    advantages.fill(advantage, b * shape[1], b * shape[1] + completion.length);
    mask.fill(1, b * shape[1], b * shape[1] + completion.length);
  }
  const reinforce = surrogates.reinforce({ aggregate: 'row-mean' });
  const all = tidy(() => {
    const old = tensor2d(new Float32Array(advantages.length), shape);
    const input = { oldLogProbs: old, advantages: tensor2d(advantages, shape), mask: tensor2d(mask, shape) };
    // a tensor of its own: that of the old ones would be differentiated with them
    const at = tensor2d(new Float32Array(advantages.length), shape);
    const slope = grad((x: Tensor) => reinforce({ ...input, logProbs: x }).loss)(at) as Tensor2D;
    return slope.dataSync<'float32'>().slice();
  });
  return Float32Array.from(places, (i) => (all[i] as number) * shape[0]);
}

/**
 * Of later tokens' divergence: Σ_{m>n} γ^{m−n} D_m, for the sum (or mean over all tokens); with the mean of each completion
 * its length depends on every token, and the exact coefficient is the completion's whole mean (γ = 1).
 * @param divergences D of each token `[R]`
 * @param weights of each token in the loss `[R]`
 * @returns `[R]`; 0 for completions that the student did not write
 */
export function futureCoefficients(
  { examples, owners }: MicroBatch,
  divergences: Float32Array,
  weights: Float32Array,
  { discount, wholeMean }: { discount: number; wholeMean: boolean },
): Float32Array {
  const out = new Float32Array(owners.length);
  for (let to = owners.length; to > 0; ) {
    const owner = owners[to - 1] as number;
    let from = to;
    while (from > 0 && owners[from - 1] === owner) from--;
    if (examples[owner]?.own) {
      let ahead = 0;
      for (let r = from; r < to; r++) if (wholeMean) ahead += (divergences[r] as number) * (weights[r] as number);
      for (let r = to - 1; r >= from; r--) {
        out[r] = wholeMean ? ahead : ahead * (weights[r] as number);
        if (!wholeMean) ahead = discount * (ahead + (divergences[r] as number));
      }
    }
    to = from;
  }
  return out;
}

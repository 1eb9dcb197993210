/** Coefficients of log q of each token: what sampling contributes to the gradient beside the divergence itself. */
import type { MicroBatch } from './examples.ts';

/**
 * Of −E[r − b] log q: −(r − b) for each token of a completion, REINFORCE on the policy that sampled it.
 * @returns `[R]`, of a sum over completions
 */
export const rewardCoefficients = ({ examples, owners }: MicroBatch): Float32Array =>
  Float32Array.from(owners, (b) => -(examples[b]?.advantage ?? 0));

/**
 * Of later tokens' divergence: Σ_{m>n} γ^{m−n} D_m, for the sum (or mean over all tokens); with the mean of each completion
 * its length depends on every token, and the exact coefficient is the completion's whole mean (γ = 1).
 * @param divergences D of each token `[R]`
 * @param weights of each token in the loss `[R]`, but for what tokens of a mixture's completions count
 * @param o.ownCounts those counts weigh the token whose coefficient it is, not the divergences behind it
 * @returns `[R]`; 0 for completions that the student did not write
 */
export function futureCoefficients(
  { examples, owners }: MicroBatch,
  divergences: Float32Array,
  weights: Float32Array,
  o: { discount: number; wholeMean: boolean; ownCounts?: boolean },
): Float32Array {
  const { discount, wholeMean, ownCounts = false } = o;
  const out = new Float32Array(owners.length);
  for (let to = owners.length; to > 0; ) {
    const owner = owners[to - 1] as number;
    let from = to;
    while (from > 0 && owners[from - 1] === owner) from--;
    if (examples[owner]?.own) {
      const counts = examples[owner]?.counts;
      const count = (r: number, here: boolean): number => (here ? (counts?.[r - from] ?? 1) : 1);
      const value = (r: number): number => (divergences[r] as number) * count(r, !ownCounts);
      let ahead = 0;
      for (let r = from; r < to; r++) if (wholeMean) ahead += value(r) * (weights[r] as number);
      for (let r = to - 1; r >= from; r--) {
        out[r] = (wholeMean ? ahead : ahead * (weights[r] as number)) * count(r, ownCounts);
        if (!wholeMean) ahead = discount * (ahead + value(r));
      }
    }
    to = from;
  }
  return out;
}

/**
 * Of a loss that is known of whole completions alone, by the stretches of text that two tokenizers share. Which tokens are
 * one stretch hangs on what follows, so that no token's own part is known: each has the whole completion's value for a
 * score, less the mean of the others', which is the exact gradient of the expectation.
 * @param values of each token `[R]`
 * @param weights of each token in the loss `[R]`
 * @param owners number of the completion of each token
 * @returns `[R]`
 */
export function wholeCoefficients(values: ArrayLike<number>, weights: Float32Array, owners: Int32Array): Float32Array {
  const totals = new Map<number, number>();
  for (const [r, owner] of owners.entries())
    totals.set(owner, (totals.get(owner) ?? 0) + (values[r] as number) * (weights[r] as number));
  const all = [...totals.values()].reduce((a, b) => a + b, 0);
  const others = totals.size - 1;
  return Float32Array.from(owners, (owner) => {
    const own = totals.get(owner) as number;
    return others === 0 ? own : own - (all - own) / others;
  });
}

/** Where the tokens of completions stand. */
import type { TokenBatch } from '@gimbal/tensor-core';

/** b·T + t of each token that is not padding, completion after completion. */
export function placesOf({ lengths, width }: Pick<TokenBatch, 'lengths' | 'width'>): Int32Array {
  const total = lengths.reduce((a, b) => a + b, 0);
  const out = new Int32Array(total);
  let i = 0;
  for (const [b, n] of lengths.entries()) for (let t = 0; t < n; t++) out[i++] = b * width + t;
  return out;
}

// Small random MDPs and policies for tests.
import type { Rng } from '@gimbal/tensor-core';
import type { TabularMdp } from '../src/index.ts';

/** A distribution over n outcomes: exponential weights, normalised. */
function distribution(n: number, r: Rng): Float64Array {
  const weights = Float64Array.from({ length: n }, () => -Math.log(1 - r.uniform()) + 1e-6);
  const total = weights.reduce((a, b) => a + b);
  return weights.map((w) => w / total);
}

/** 2–5 states, 2–3 actions, rewards rescaled to exactly [0, 1]. */
export function randomMdp(r: Rng, { gamma }: { gamma: number }): TabularMdp {
  const [S, A] = [2 + r.int(4), 2 + r.int(2)];
  const P = new Float64Array(S * A * S);
  for (let row = 0; row < S * A; row++) P.set(distribution(S, r), row * S);
  const raw = Float64Array.from({ length: S * A }, () => r.uniform());
  const [low, high] = [Math.min(...raw), Math.max(...raw)];
  return { S, A, P, r: raw.map((x) => (x - low) / (high - low)), mu: distribution(S, r), gamma };
}

export function randomPolicy({ S, A }: TabularMdp, r: Rng): Float64Array {
  const policy = new Float64Array(S * A);
  for (let s = 0; s < S; s++) policy.set(distribution(A, r), s * A);
  return policy;
}

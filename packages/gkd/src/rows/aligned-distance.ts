/**
 * How far two distributions over different tokens are apart. ULD (Boizard et al. 2024, arXiv 2402.12030): the L1 distance of
 * the sorted probabilities, the shorter row filled up with zeros. Hybrid (TRL's GOLD): JSD on tokens that both write alike
 * and ULD on the rest; no term of either is negative, so that rows may sum to less than 1.
 */
import { logSumExp } from '@gimbal/tensor-core';
import {
  abs,
  add,
  exp,
  gather,
  maximum,
  mul,
  pad,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  topk,
} from '@tensorflow/tfjs-core';
import type { MatchedTokens } from './aligned-rows.ts';

/** stands for log 0 where it is multiplied with 0 */
const least = -1e30;

/**
 * Σ |sorted p − sorted q| of each row.
 * @param p `[S, V']`
 * @param q `[S, V]`, differentiable
 */
export function sortedDistance(p: Tensor2D, q: Tensor2D): Tensor1D {
  const width = Math.max(p.shape[1], q.shape[1]);
  const sorted = (x: Tensor2D): Tensor =>
    pad(x.shape[1] === 0 ? x : topk(x, x.shape[1], true).values, [
      [0, 0],
      [0, width - x.shape[1]],
    ]);
  return sum(abs(sub(sorted(p), sorted(q))), 1);
}

/**
 * β Σ p log(p/m) + (1 − β) Σ q log(q/m) over the columns that both have, and the sorted distance of the others.
 * @param logP `[S, V']`
 * @param logQ `[S, V]`, differentiable
 */
export function hybridDistance(
  logP: Tensor2D,
  logQ: Tensor2D,
  { own, other, ownRest, otherRest }: MatchedTokens,
  { beta, scale = 'paper' }: { beta: number; scale?: 'paper' | 'normalised' },
): Tensor1D {
  const columns = (x: Tensor2D, ids: Int32Array): Tensor2D => gather(x, tensor1d(ids, 'int32'), 1) as Tensor2D;
  const rest = sortedDistance(exp(columns(logP, otherRest)), exp(columns(logQ, ownRest)));
  if (own.length === 0) return rest;
  const [lp, lq] = [maximum(columns(logP, other), least), columns(logQ, own)];
  const mixture = logSumExp(stack([add(lp, Math.log(beta)), add(lq, Math.log(1 - beta))], 2), -1);
  const part = (l: Tensor, share: number): Tensor => mul(sum(mul(exp(l), sub(l, mixture)), 1), share);
  const jsd = add(part(lp, beta), part(lq, 1 - beta));
  return add(scale === 'paper' ? jsd : mul(jsd, 1 / (beta * (1 - beta))), rest);
}

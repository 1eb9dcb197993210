// Attention by TensorFlow's Softmax, which is one operation. The weights [B,H,T,S] take the place of the logarithms that
// other bodies keep for the backward pass, so that neither scores nor exponentials are computed twice.
import { add, cast, concat, matMul, mul, reshape, softmax, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { attentionOp, attentionGrad as gradKernel } from '../../../ops/attention.ts';
import {
  type AttentionAttributes,
  joinHeads,
  splitHeads,
  unpack,
  visibleKeys,
} from '../../../ops/internal/attention-layout.ts';
import type { Inputs } from '../../../ops/internal/kernel.ts';

/** Capped scores would be needed again in the backward pass. */
const isPlain = (a: AttentionAttributes): boolean => a.softcap === 0;

/** Far below every score; its exponential is 0. */
const hidden = 1e30;

export function attention(inputs: Inputs, a: AttentionAttributes & { training: boolean }): Tensor[] {
  if (!isPlain(a)) return attentionOp.kernel.compose(inputs, a);
  const groups = a.heads / a.kvHeads;
  const [q, k, v] = unpack(inputs, a);
  const [q4, k4, v4] = [
    splitHeads(mul(q, a.scale), a.heads),
    splitHeads(k, a.kvHeads, groups),
    splitHeads(v, a.kvHeads, groups),
  ];
  const scores = matMul(q4, k4, false, true); // [B,H,T,S]
  const padding = inputs as { lengths?: Tensor; starts?: Tensor };
  const visible = visibleKeys(padding, q.shape[1] as number, k.shape[1] as number, a);
  const weights = visible === undefined ? softmax(scores) : masked(scores, cast(visible, 'float32'));
  const out = joinHeads(matMul(weights, v4));
  return a.training ? [out, weights] : [out];
}

/** A query that sees nothing has no weights. */
const masked = (scores: Tensor, seen: Tensor): Tensor => mul(softmax(add(scores, mul(sub(seen, 1), hidden))), seen);

export function attentionGrad(inputs: Inputs, a: AttentionAttributes): Tensor[] {
  if (!isPlain(a)) return gradKernel.compose(inputs, a);
  const { dy, out, logSumExp: weights } = inputs as { [name: string]: Tensor };
  const groups = a.heads / a.kvHeads;
  const [q, k, v] = unpack(inputs, a);
  const [q4, k4, v4] = [splitHeads(q, a.heads), splitHeads(k, a.kvHeads, groups), splitHeads(v, a.kvHeads, groups)];
  const dO = splitHeads(dy as Tensor, a.heads);
  const dP = matMul(dO, v4, false, true);
  const dS = mul(weights as Tensor, sub(dP, sum(mul(dO, splitHeads(out as Tensor, a.heads)), -1, true)));
  // keys and values of a group sum over its queries' heads
  const ungroup = (x: Tensor): Tensor => {
    const [batch, , time, d] = x.shape as [number, number, number, number];
    return joinHeads(groups === 1 ? x : sum(reshape(x, [batch, a.kvHeads, groups, time, d]), 2));
  };
  const dq = mul(joinHeads(matMul(dS, k4)), a.scale);
  const dk = mul(ungroup(matMul(dS, q4, true, false)), a.scale);
  const dv = ungroup(matMul(weights as Tensor, dO, true, false));
  return a.packed ? [concat([dq, dk, dv], 2)] : [dq, dk, dv];
}

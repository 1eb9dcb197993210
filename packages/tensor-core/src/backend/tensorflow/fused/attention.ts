// Attention by TensorFlow's Softmax, which is one operation. The weights [B,H,T,S] take the place of the logarithms that
// other bodies keep for the backward pass, so that neither scores nor exponentials are computed twice.
import {
  add,
  cast,
  concat,
  matMul,
  mul,
  reshape,
  softmax,
  stack,
  sub,
  sum,
  type Tensor,
  transpose,
  unstack,
} from '@tensorflow/tfjs-core';
import { attentionOp, attentionGrad as gradKernel } from '../../../ops/attention.ts';
import {
  type AttentionAttributes,
  joinHeads,
  splitHeads,
  unpack,
  visibleKeys,
} from '../../../ops/internal/attention-layout.ts';
import type { Inputs } from '../../../ops/internal/kernel.ts';
import { Recent } from './recent.ts';

/** Capped scores would be needed again in the backward pass. */
const isPlain = (a: AttentionAttributes): boolean => a.softcap === 0;

/** Far below every score; its exponential is 0. */
const hidden = 1e30;

/** What is added to scores [T,S], where no padding takes part. */
const masks = new Recent(8);

export function attention(inputs: Inputs, a: AttentionAttributes & { training: boolean }): Tensor[] {
  if (!isPlain(a)) return attentionOp.kernel.compose(inputs, a);
  const [q, k, v] = heads(inputs, a);
  const scores = masked(matMul(mul(q, a.scale), k, false, true), inputs, a); // [B,H,T,S]
  const weights = scores.seen === undefined ? softmax(scores.s) : mul(softmax(scores.s), scores.seen);
  const out = joinHeads(matMul(weights, v));
  return a.training ? [out, weights] : [out];
}

/** q, k and v as [B,H,T,D], keys and values repeated for the heads of their groups. */
function heads(inputs: Inputs, a: AttentionAttributes): [q: Tensor, k: Tensor, v: Tensor] {
  const groups = a.heads / a.kvHeads;
  if (a.packed && groups === 1) {
    const [batch, time] = (inputs.q as Tensor).shape as [number, number];
    const parts = reshape(inputs.q as Tensor, [batch, time, 3, a.heads, a.headDim]);
    // apart first: TensorFlow transposes five axes by a slow general path on the CPU
    return unstack(parts, 2).map((part) => transpose(part, [0, 2, 1, 3])) as [Tensor, Tensor, Tensor];
  }
  const [q, k, v] = unpack(inputs, a);
  return [splitHeads(q, a.heads), splitHeads(k, a.kvHeads, groups), splitHeads(v, a.kvHeads, groups)];
}

/** Scores that hide what a query does not see; `seen` where one may see nothing, and then has no weights. */
function masked(s: Tensor, inputs: Inputs, a: AttentionAttributes): { s: Tensor; seen?: Tensor } {
  const { lengths, starts } = inputs as { lengths?: Tensor; starts?: Tensor };
  const [queries, keys] = s.shape.slice(-2) as [number, number];
  const { causal, window } = a;
  if (!causal && window === 0 && lengths === undefined && starts === undefined) return { s };
  // a query is one of the keys and sees itself
  if (lengths === undefined && starts === undefined && queries <= keys) {
    const make = (): Tensor[] => {
      const visible = visibleKeys({}, queries, keys, a) as Tensor;
      return [mul(sub(cast(visible, 'float32'), 1), hidden)];
    };
    const [mask] = masks.get(`${queries} ${keys} ${causal} ${window}`, make) as [Tensor];
    return { s: add(s, mask) };
  }
  const visible = visibleKeys(inputs as { lengths?: Tensor; starts?: Tensor }, queries, keys, a) as Tensor;
  const seen = cast(visible, 'float32');
  return { s: add(s, mul(sub(seen, 1), hidden)), seen };
}

export function attentionGrad(inputs: Inputs, a: AttentionAttributes): Tensor[] {
  if (!isPlain(a)) return gradKernel.compose(inputs, a);
  const { dy, logSumExp: weights } = inputs as { [name: string]: Tensor };
  const groups = a.heads / a.kvHeads;
  const [q, k, v] = heads(inputs, a);
  const dO = splitHeads(dy as Tensor, a.heads);
  const dWeights = matMul(dO, v, false, true);
  // rowsum(weights ⊙ dWeights) = rowsum(dO ⊙ O), for fewer operations
  const centred = sub(dWeights, sum(mul(weights as Tensor, dWeights), -1, true));
  const dS = mul(mul(weights as Tensor, a.scale), centred);
  const [dq, dk, dv] = [matMul(dS, k), matMul(dS, q, true, false), matMul(weights as Tensor, dO, true, false)];
  if (a.packed && groups === 1) {
    const parts = [dq, dk, dv].map((part) => transpose(part, [0, 2, 1, 3]));
    return [reshape(stack(parts, 2), (inputs.q as Tensor).shape)];
  }
  // keys and values of a group sum over its queries' heads
  const ungroup = (x: Tensor): Tensor => {
    const [batch, , time, d] = x.shape as [number, number, number, number];
    return joinHeads(groups === 1 ? x : sum(reshape(x, [batch, a.kvHeads, groups, time, d]), 2));
  };
  const each = [joinHeads(dq), ungroup(dk), ungroup(dv)];
  return a.packed ? [concat(each, 2)] : each;
}

// Scaled dot-product attention (Vaswani et al. 2017) as one op, with grouped heads, causal and sliding windows, capped
// scores and padding. A fused body never holds a [T,S] matrix: it saves the output and, per query, ℓ = log Σ exp(score).
//
//   S = scale q kᵀ (capped), P = exp(S − ℓ), O = P V
//   dV = Pᵀ dO;  dP = dO Vᵀ;  dS = P ⊙ (dP − rowsum(dO ⊙ O));  with a cap, dS ⊙ (1 − (S/cap)²)
//   dq = scale dS k;  dk = scale dSᵀ q
//
// A query that sees no key has output 0 and gradient 0 (ℓ = 0).

import {
  add,
  cast,
  concat,
  div,
  equal,
  exp,
  log,
  matMul,
  max,
  mul,
  reshape,
  sub,
  sum,
  type Tensor,
  tanh,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../errors.ts';
import {
  type AttentionAttributes,
  type AttentionOptions,
  attentionAttributes,
  joinHeads,
  splitHeads,
  unpack,
  visibleKeys,
} from './internal/attention-layout.ts';
import { defineFusedOp, runFused1, together } from './internal/fused-op.ts';
import { defineKernel, present, runKernel, runKernel1 } from './internal/kernel.ts';

export type { AttentionOptions };

interface Padding {
  lengths?: Tensor;
  starts?: Tensor;
}

/** Below every score, yet finite: no infinity minus infinity where a query sees nothing. */
const hidden = -1e30;

/** Scores [B,H,T,S], and who sees whom as ones and zeros (undefined: all). */
function scores(q: Tensor, k: Tensor, padding: Padding, a: AttentionAttributes): { s: Tensor; seen?: Tensor } {
  const raw = mul(matMul(q, k, false, true), a.scale);
  const s = a.softcap > 0 ? mul(tanh(mul(raw, 1 / a.softcap)), a.softcap) : raw;
  const visible = visibleKeys(padding, q.shape[2] as number, k.shape[2] as number, a);
  return visible === undefined ? { s } : { s, seen: cast(visible, 'float32') };
}

/** Attention of [B,H,T,D] queries over as many heads of keys and values: output [B,H,T,D] and ℓ [B,H,T]. */
export function composeAttention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  padding: Padding,
  a: AttentionAttributes,
): [out: Tensor, logSumExp: Tensor] {
  const { s, seen } = scores(q, k, padding, a);
  const masked = seen === undefined ? s : add(mul(s, seen), mul(sub(1, seen), hidden));
  const top = max(masked, -1, true);
  const shifted = exp(sub(masked, top));
  const weights = seen === undefined ? shifted : mul(shifted, seen);
  const total = sum(weights, -1, true);
  const nothing = cast(equal(total, 0), 'float32');
  const divisor = add(total, nothing);
  const logSumExp = mul(add(top, log(divisor)), sub(1, nothing));
  return [matMul(div(weights, divisor), v), reshape(logSumExp, logSumExp.shape.slice(0, -1))];
}

/** Gradients by q, k and v, or one packed like the input. */
export const attentionGrad = defineKernel<AttentionAttributes>('AttentionGrad', (inputs, a) => {
  const { dy, out, logSumExp } = inputs as { dy: Tensor; out: Tensor; logSumExp: Tensor };
  const groups = a.heads / a.kvHeads;
  const [q, k, v] = unpack(inputs, a);
  const [q4, k4, v4] = [splitHeads(q, a.heads), splitHeads(k, a.kvHeads, groups), splitHeads(v, a.kvHeads, groups)];
  const [dO, o] = [splitHeads(dy, a.heads), splitHeads(out, a.heads)];
  const { s, seen } = scores(q4, k4, inputs as Padding, a);
  const shifted = sub(s, reshape(logSumExp, [...logSumExp.shape, 1]));
  // hidden keys could overflow exp before the zero multiplies them
  const p = seen === undefined ? exp(shifted) : mul(exp(mul(shifted, seen)), seen);
  const dP = matMul(dO, v4, false, true);
  const dS = mul(p, sub(dP, sum(mul(dO, o), -1, true)));
  const slope = a.softcap > 0 ? sub(1, mul(mul(s, s), 1 / a.softcap ** 2)) : undefined;
  const dRaw = mul(slope === undefined ? dS : mul(dS, slope), a.scale);
  // keys and values of a group sum over its queries' heads
  const ungroup = (x: Tensor): Tensor => {
    const [batch, , time, d] = x.shape as [number, number, number, number];
    return joinHeads(groups === 1 ? x : sum(reshape(x, [batch, a.kvHeads, groups, time, d]), 2));
  };
  const dq = joinHeads(matMul(dRaw, k4));
  const dk = ungroup(matMul(dRaw, q4, true, false));
  const dv = ungroup(matMul(p, dO, true, false));
  return a.packed ? [concat([dq, dk, dv], 2)] : [dq, dk, dv];
});

export const attentionOp = defineFusedOp<AttentionAttributes>({
  name: 'Attention',
  compose: (inputs, a) => {
    const groups = a.heads / a.kvHeads;
    const [q, k, v] = unpack(inputs, a);
    const [out, logSumExp] = composeAttention(
      splitHeads(q, a.heads),
      splitHeads(k, a.kvHeads, groups),
      splitHeads(v, a.kvHeads, groups),
      inputs as Padding,
      a,
    );
    return a.training ? [joinHeads(out), logSumExp] : [joinHeads(out)];
  },
  saveInputs: ['q', 'k', 'v', 'lengths', 'starts'],
  saveOutputs: true,
  gradient: (backward) => {
    const { dys, inputs, outputs, extras, attributes } = backward;
    const all = { dy: dys[0] as Tensor, ...inputs, out: outputs[0] as Tensor, logSumExp: extras[0] as Tensor };
    return attributes.packed
      ? { q: () => runKernel1(attentionGrad, all, attributes) }
      : together(backward, ['q', 'k', 'v'], () => runKernel(attentionGrad, all, attributes));
  },
});

/**
 * Attention, from one packed tensor.
 * @param qkv [B,T,(H + 2·Hkv)·D]: queries, then keys, then values
 * @returns [B,T,H·D]; the caller disposes it
 * @throws ShapeError where the tensor does not fit the heads; ConfigError for numbers out of range
 * @example attention(qkv, { heads: 4, causal: true })
 */
export function attention<T extends Tensor = Tensor>(qkv: Tensor, o: AttentionOptions): T;
/**
 * Attention, from three tensors.
 * @param q [B,T,H·D]
 * @param k [B,S,Hkv·D]; with `causal`, queries are the last T of the S positions
 * @param v [B,S,Hkv·D]
 * @returns [B,T,H·D]; the caller disposes it
 * @throws ShapeError where the tensors do not fit the heads or each other; ConfigError for numbers out of range
 */
export function attention<T extends Tensor = Tensor>(q: Tensor, k: Tensor, v: Tensor, o: AttentionOptions): T;
export function attention<T extends Tensor = Tensor>(
  q: Tensor,
  kOrOptions: Tensor | AttentionOptions,
  v?: Tensor,
  options?: AttentionOptions,
): T {
  const packed = v === undefined;
  const k = packed ? undefined : (kOrOptions as Tensor);
  const o = (packed ? kOrOptions : options) as AttentionOptions;
  const a = attentionAttributes('attention', q, k, v, o);
  if (k !== undefined && a.causal && (k.shape[1] as number) < (q.shape[1] as number))
    throw new ShapeError({
      where: 'attention',
      what: 'causal queries need at least as many keys',
      got: k.shape,
      wanted: `[B,S,Hkv·D] with S ≥ ${q.shape[1]}`,
    });
  return runFused1(attentionOp, present({ q, k, v, lengths: o.lengths, starts: o.starts }), a);
}

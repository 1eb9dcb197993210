// What attention's inputs mean: heads, groups, which keys a query sees. Shared by the op and its decoding form.

import {
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  range,
  reshape,
  slice,
  sub,
  type Tensor,
  tile,
  transpose,
} from '@tensorflow/tfjs-core';
import { ShapeError } from '../../errors.ts';
import { checkDtype, checkGiven, checkNumber, checkRank, checkShape } from './check.ts';

/** Which keys a query sees, and how. */
export interface AttentionOptions {
  /** Query heads H. */
  heads: number;
  /** Key and value heads; a divisor of `heads` (grouped-query attention). Default `heads`. */
  kvHeads?: number;
  /** Query t sees keys 0 … t + S − T. Default false. */
  causal?: boolean;
  /** A query sees only the nearest `window` keys, itself included (with `causal`: those before it). Default all. */
  window?: number | undefined;
  /** Scores become softcap · tanh(score / softcap) (Gemma 2). Default none. */
  softcap?: number | undefined;
  /** Scores are (q · k) times this. Default 1/√D. */
  scale?: number | undefined;
  /**
   * [B] int32: keys from here on are padding. Not read before the call: below 0 is 0 (the row's queries see nothing, their
   * output is 0), above S is S.
   */
  lengths?: Tensor | undefined;
  /** [B] int32: keys before here are padding. Not read before the call: below 0 is 0, above S is S (nothing is seen). */
  starts?: Tensor | undefined;
}

/** The numbers a kernel needs. `window` 0 means all keys, `softcap` 0 none. */
export type AttentionAttributes = {
  heads: number;
  kvHeads: number;
  headDim: number;
  causal: boolean;
  window: number;
  softcap: number;
  scale: number;
  packed: boolean;
};

/** Checks q (packed with k and v where those are absent), k and v, and the options; gives the kernel's attributes. */
export function attentionAttributes(
  where: string,
  q: Tensor,
  k: Tensor | undefined,
  v: Tensor | undefined,
  o: AttentionOptions,
): AttentionAttributes {
  // the heads are no default: a call without options is a mistake
  const areOptions = typeof o === 'object' && o !== null && !('dataId' in o);
  checkGiven(where, 'there are no options', o, areOptions, '{ heads, … }');
  const { heads, kvHeads = heads, causal = false, window = 0, softcap = 0 } = o;
  const packed = k === undefined;
  const name = packed ? 'qkv' : 'q';
  checkNumber(where, 'heads', heads, Number.isInteger(heads) && heads > 0, 'a whole number > 0');
  checkNumber(
    where,
    'kvHeads',
    kvHeads,
    Number.isInteger(heads / kvHeads) && kvHeads > 0,
    `a divisor of heads (${heads})`,
  );
  checkNumber(where, 'window', window, Number.isInteger(window) && window >= 0, 'a whole number > 0, or none');
  checkNumber(where, 'softcap', softcap, softcap >= 0, 'a number > 0, or none');
  checkDtype(where, name, q, 'float32');
  checkRank(where, name, q, [3], packed ? '[B,T,(H+2·Hkv)·D]' : '[B,T,H·D]');
  if (!packed && v === undefined)
    throw new ShapeError({ where, what: 'k was given without v', fix: 'Pass both, or one packed tensor' });
  const [batch, , width] = q.shape as [number, number, number];
  const parts = packed ? heads + 2 * kvHeads : heads;
  const headDim = width / parts;
  if (!Number.isInteger(headDim) || headDim === 0)
    throw new ShapeError({
      where,
      what: `${name} does not divide into ${parts} heads`,
      got: q.shape,
      wanted: `a last axis that is a multiple of ${parts}`,
    });
  if (k !== undefined && v !== undefined) {
    checkDtype(where, 'k', k, 'float32');
    checkDtype(where, 'v', v, 'float32');
    checkRank(where, 'k', k, [3], '[B,S,Hkv·D]');
    checkShape(where, 'k', k, [batch, k.shape[1] as number, kvHeads * headDim]);
    checkShape(where, 'v', v, k.shape, 'like k');
  }
  for (const option of ['lengths', 'starts'] as const) {
    const tensor = o[option];
    if (tensor === undefined) continue;
    checkDtype(where, option, tensor, 'int32');
    checkShape(where, option, tensor, [batch]);
  }
  const { scale = 1 / Math.sqrt(headDim) } = o;
  checkNumber(where, 'scale', scale, Number.isFinite(scale), 'a finite number');
  return { heads, kvHeads, headDim, causal, window, softcap, scale, packed };
}

/** q, k, v of a packed tensor, or those given. */
export function unpack(
  inputs: { [name: string]: Tensor },
  { heads, kvHeads, headDim, packed }: AttentionAttributes,
): [q: Tensor, k: Tensor, v: Tensor] {
  if (!packed) return [inputs.q, inputs.k, inputs.v] as [Tensor, Tensor, Tensor];
  const q = inputs.q as Tensor;
  const [a, b] = [heads * headDim, kvHeads * headDim];
  return [slice(q, [0, 0, 0], [-1, -1, a]), slice(q, [0, 0, a], [-1, -1, b]), slice(q, [0, 0, a + b], [-1, -1, b])];
}

/** [B,T,H·D] → [B,H,T,D]; with `groups`, every head that many times. */
export function splitHeads(x: Tensor, heads: number, groups = 1): Tensor {
  const [batch, time, width] = x.shape as [number, number, number];
  const d = width / heads;
  const split = transpose(reshape(x, [batch, time, heads, d]), [0, 2, 1, 3]);
  return groups === 1 ? split : repeatHeads(split, groups);
}

/** [B,H,S,D] → [B,H·groups,S,D], each head that many times. */
export function repeatHeads(x: Tensor, groups: number): Tensor {
  const [batch, heads, time, d] = x.shape as [number, number, number, number];
  return reshape(tile(reshape(x, [batch * heads, 1, time * d]), [1, groups, 1]), [batch, heads * groups, time, d]);
}

/** [B,H,T,D] → [B,T,H·D]. */
export function joinHeads(x: Tensor): Tensor {
  const [batch, heads, time, d] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, time, heads * d]);
}

/**
 * Which keys each query sees: a bool tensor that broadcasts to [B,H,T,S], or undefined for all.
 * Queries are the last T of the S positions.
 */
export function visibleKeys(
  inputs: { lengths?: Tensor; starts?: Tensor },
  queries: number,
  keys: number,
  { causal, window }: { causal: boolean; window: number },
): Tensor | undefined {
  const key = reshape(range(0, keys, 1), [1, 1, 1, keys]);
  const query = reshape(range(keys - queries, keys, 1), [1, 1, queries, 1]);
  const rules: Tensor[] = [];
  if (causal) rules.push(lessEqual(key, query));
  if (window > 0) rules.push(less(sub(query, key), window));
  if (window > 0 && !causal) rules.push(less(sub(key, query), window));
  const perRow = (x: Tensor): Tensor => reshape(x, [-1, 1, 1, 1]);
  if (inputs.lengths) rules.push(greater(perRow(inputs.lengths), key));
  if (inputs.starts) rules.push(greaterEqual(key, perRow(inputs.starts)));
  return rules.length === 0 ? undefined : rules.reduce((a, b) => logicalAnd(a, b));
}

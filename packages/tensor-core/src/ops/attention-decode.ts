// Attention for generation: keys and values of the tokens so far are kept, new ones are appended, the new queries attend
// to all. One scalar length serves the whole batch; rows of different lengths are padded on the left (`starts`).

import { concat, fill, gather, keep, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import type { Precision } from '../backend/extensions.ts';
import { ConfigError, ShapeError } from '../errors.ts';
import { requireOptions } from '../options/checks.ts';
import { currentPrecision } from '../precision/with-precision.ts';
import { composeAttention } from './attention.ts';
import {
  type AttentionAttributes,
  type AttentionOptions,
  attentionAttributes,
  joinHeads,
  repeatHeads,
  splitHeads,
  unpack,
} from './internal/attention-layout.ts';
import { checkDtype, checkNumber, checkShape } from './internal/check.ts';
import { defineKernel, hasFusedBody, present, runKernel } from './internal/kernel.ts';

type DecodeAttributes = AttentionAttributes & { length: number; bf16: boolean };

/**
 * Inputs q (packed, or with k and v), keys and values [B,Hkv,S,D], starts and place. A fused body writes the new keys and values
 * into the cache, whose S is its capacity, and returns the output alone; this one returns output, new keys, new values.
 */
const attentionDecodeKernel = defineKernel<DecodeAttributes>('AttentionDecode', (inputs, a) => {
  const groups = a.heads / a.kvHeads;
  const [q, k, v] = unpack(inputs, a);
  const append = (cache: Tensor | undefined, x: Tensor): Tensor => {
    const fresh = splitHeads(x, a.kvHeads);
    return cache === undefined || a.length === 0 ? fresh : concat([cache, fresh], 2);
  };
  const keys = append(inputs.keys, k);
  const values = append(inputs.values, v);
  const wide = (x: Tensor): Tensor => (groups === 1 ? x : repeatHeads(x, groups));
  const [out] = composeAttention(splitHeads(q, a.heads), wide(keys), wide(values), inputs as { starts?: Tensor }, a);
  return [joinHeads(out), keys, values];
});

/** The size of a cache of keys and values. */
export interface KvCacheOptions {
  /** B: rows. */
  batch: number;
  /** Heads of keys and values. */
  kvHeads: number;
  /** D: width of a head. */
  headDim: number;
  /** Most positions it can hold. */
  maxLength: number;
  /**
   * What keys and values are kept in (the current precision, `withPrecision`). bf16 halves the memory that every step
   * reads: each number is rounded to 8 significant bits, a relative error of at most 2⁻⁸ a key or value. Queries, sums
   * and a prompt's attention among its own tokens stay float32. A backend that does not append in place keeps float32.
   */
  precision?: Precision;
}

/** Keys and values of one layer. Owns its tensors: dispose it after use. */
export class KvLayer implements Disposable {
  /** Positions filled so far. */
  length = 0;
  /** [B,Hkv,capacity,D] where the backend appends in place (half of it in bf16, two in a float), else [B,Hkv,length,D] and absent while empty. */
  keys: Tensor | undefined;
  /** Like `keys`. */
  values: Tensor | undefined;

  #disposed = false;

  /** Rows, heads, width and capacity. */
  options: KvCacheOptions;
  /** Whether keys and values are kept in bf16. */
  readonly bf16: boolean;

  /** @param whole allocate the full capacity at once, for a backend that appends in place */
  constructor(options: KvCacheOptions, whole: boolean) {
    this.options = options;
    const { batch, kvHeads, maxLength, headDim, precision = currentPrecision() } = options;
    this.bf16 = whole && precision === 'bf16';
    if (!whole) return;
    // such a backend keeps keys in blocks of up to 16 positions
    const capacity = Math.ceil(maxLength / 16) * 16;
    const shape = [batch, kvHeads, this.bf16 ? capacity / 2 : capacity, headDim];
    this.keys = keep(fill(shape, 0)); // a kernel: `zeros` would copy from JavaScript
    this.values = keep(fill(shape, 0));
  }

  /** Whether `dispose` was called: an empty cache would look the same. */
  get disposed(): boolean {
    return this.#disposed;
  }

  /** Takes the place of both tensors. */
  replace(keys: Tensor, values: Tensor): void {
    const [oldKeys, oldValues] = [this.keys, this.values];
    this.keys = keep(keys);
    this.values = keep(values);
    oldKeys?.dispose();
    oldValues?.dispose();
  }

  /** Keeps these rows of the batch, in this order: to drop finished ones or to repeat a prompt. */
  select(rows: Tensor1D): void {
    if (this.keys !== undefined && this.values !== undefined)
      this.replace(gather(this.keys, rows), gather(this.values, rows));
    this.options = { ...this.options, batch: rows.size };
  }

  dispose(): void {
    this.#disposed = true;
    this.keys?.dispose();
    this.values?.dispose();
    this.keys = undefined;
    this.values = undefined;
    this.length = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * An empty cache for one layer.
 * @returns the caller disposes it
 * @throws ConfigError for a size that is not a whole number > 0
 */
export function kvCache(o: KvCacheOptions): KvLayer {
  requireOptions('kvCache', o);
  for (const name of ['batch', 'kvHeads', 'headDim', 'maxLength'] as const)
    checkNumber('kvCache', name, o[name], Number.isInteger(o[name]) && o[name] > 0, 'a whole number > 0');
  return new KvLayer(o, hasFusedBody(attentionDecodeKernel));
}

/** The options of attention that decoding has: it is always causal, and rows are padded on the left only. */
export interface DecodeOptions extends Omit<AttentionOptions, 'causal' | 'lengths' | 'kvHeads'> {
  /**
   * [1], int32: `cache.length`, read when the kernel runs. For a captured step, whose replays pass JavaScript by: write
   * it before each run, and set `cache.length` after it.
   */
  place?: Tensor | undefined;
}

/**
 * Appends the new tokens' keys and values to the cache and attends to everything in it.
 * @param q [B,T,H·D] with k and v [B,T,Hkv·D], or packed [B,T,(H + 2·Hkv)·D] without; T is 1 while generating, the
 *   prompt's length at first
 * @param cache from {@link kvCache}; changed by the call
 * @returns [B,T,H·D]; the caller disposes it
 * @throws ShapeError where tensors and cache do not fit; ConfigError where the cache is full or was disposed
 */
export function attentionDecode<T extends Tensor = Tensor>(
  q: Tensor,
  k: Tensor | undefined,
  v: Tensor | undefined,
  cache: KvLayer,
  o: DecodeOptions,
): T {
  const where = 'attentionDecode';
  if (cache.disposed) throw new ConfigError({ where, what: 'the cache was disposed' });
  const { batch, kvHeads, headDim, maxLength } = cache.options;
  const a = attentionAttributes(where, q, k, v, { ...o, kvHeads, causal: true });
  const time = q.shape[1] as number;
  if (q.shape[0] !== batch || a.headDim !== headDim)
    throw new ShapeError({
      where,
      what: 'the cache was made for another batch or head width',
      got: [q.shape[0], a.headDim],
      wanted: [batch, headDim],
    });
  if (cache.length + time > maxLength)
    throw new ConfigError({
      where,
      what: 'the cache is full',
      got: cache.length + time,
      wanted: `at most ${maxLength} positions`,
      fix: 'Make it with a larger maxLength',
    });
  if (o.place !== undefined) {
    checkDtype(where, 'place', o.place, 'int32');
    checkShape(where, 'place', o.place, [1]);
  }
  const inputs = present({ q, k, v, keys: cache.keys, values: cache.values, starts: o.starts, place: o.place });
  const [out, keys, values] = runKernel(attentionDecodeKernel, inputs, {
    ...a,
    length: cache.length,
    bf16: cache.bf16,
  });
  if (keys !== undefined && values !== undefined) cache.replace(keys, values);
  cache.length += time;
  return out as T;
}

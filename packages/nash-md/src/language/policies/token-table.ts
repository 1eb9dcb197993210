/**
 * A language model that is a table: a row of logits for each prefix. All its completions can be walked through, so that
 * what training on it gives is known exactly: what trainers, estimators and preferences are tried on.
 */
import { sampleCompletions } from '@gimbal/language-models';
import {
  checkOption,
  type DecodeState,
  type LogitPolicy,
  type Params,
  type TextCodec,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import { gather, mul, reshape, type Tensor2D, type Tensor3D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import type { EndTokens } from './end-tokens.ts';
import { tokenMask } from './mixture-policy.ts';

/** A policy whose parameters are `{ logits: [prefixes, vocabulary] }`. The prompt does not matter to it. */
export interface TokenTable extends LogitPolicy {
  /** where its completions end */
  readonly config: EndTokens;
  /** prompts are one token each; a completion's text is its tokens, as `0 2 1` */
  readonly codec: TextCodec;
  /** tokens, V */
  readonly vocabulary: number;
  /** prefixes of fewer than `length` tokens, the empty one first, then by length and in the order of counting */
  readonly prefixes: number;
  /** every completion of `length` tokens, in the order of counting */
  readonly completions: readonly (readonly number[])[];
  /** row of a prefix */
  prefixOf(tokens: ArrayLike<number>): number;
  /** log π of each of `completions`, in float64; without `eos`. `logits` are `[prefixes · vocabulary]` */
  logProbabilities(logits: Float64Array): Float64Array;
  /** These logits, `[prefixes · vocabulary]`, as parameters; the caller disposes them. */
  params(logits: ArrayLike<number>): Params;
}

class Prefixes implements DecodeState {
  readonly rows: number[][];
  constructor(batch: number) {
    this.rows = Array.from({ length: batch }, () => []);
  }
  get length(): number {
    return this.rows[0]?.length ?? 0;
  }
  [Symbol.dispose](): void {}
}

/**
 * A language model that is a table.
 * @param o.vocabulary tokens, at least 2
 * @param o.length tokens of a completion, or fewer where one is `eos`. The table has V^length completions
 * @throws ConfigError for numbers that make no table
 * @example
 * const table = tokenTable({ vocabulary: 3, length: 1 });
 * const params = table.params([Math.log(0.7), Math.log(0.2), Math.log(0.1)]);
 */
export function tokenTable(o: { vocabulary: number; length: number; eos?: number }): TokenTable {
  const { vocabulary: V, length, eos } = o;
  checkOption('vocabulary', V, Number.isSafeInteger(V) && V >= 2, 'a whole number ≥ 2');
  checkOption('length', length, Number.isSafeInteger(length) && length >= 1, 'a whole number ≥ 1');
  // prefixes by length: 1, V, V², …
  const starts = Array.from({ length: length + 1 }, (_, n) => (V ** n - 1) / (V - 1));
  const prefixOf = (tokens: ArrayLike<number>): number =>
    (starts[tokens.length] as number) + Array.from(tokens).reduce((code, t) => code * V + t, 0);
  const prefixes = starts[length] as number;
  const rowsAt = (params: Params, rows: Int32Array): Tensor2D =>
    gather(params.logits as Tensor2D, tensor1d(rows, 'int32')) as Tensor2D;
  const completions = Array.from({ length: V ** length }, (_, k) =>
    Array.from({ length }, (_, t) => Math.floor(k / V ** (length - 1 - t)) % V),
  );
  const policy: TokenTable = {
    config: { eosIds: eos === undefined ? [] : [eos], padId: 0 },
    vocabulary: V,
    prefixes,
    completions,
    prefixOf,
    logProbabilities: (z) => {
      const normal = Float64Array.from({ length: prefixes }, (_, s) =>
        Math.log(z.subarray(s * V, (s + 1) * V).reduce((total, x) => total + Math.exp(x), 0)),
      );
      return Float64Array.from(completions, (tokens) =>
        tokens.reduce((total, token, t) => {
          const s = prefixOf(tokens.slice(0, t));
          return total + (z[s * V + token] as number) - (normal[s] as number);
        }, 0),
      );
    },
    params: (logits) => ({ logits: tensor2d(Float32Array.from(logits), [prefixes, V]) }),
    logits: (params, _, { ids, width, lengths }) =>
      tidy(() => {
        const rows = new Int32Array(lengths.length * width);
        for (const [b, n] of lengths.entries())
          for (let t = 0; t < n; t++) rows[b * width + t] = prefixOf(ids.subarray(b * width, b * width + t));
        return reshape(rowsAt(params, rows), [lengths.length, width, V]) as Tensor3D;
      }),
    logProbs: (params, prompts, batch) =>
      tidy(() => {
        const ids = tensor2d(batch.ids, [batch.lengths.length, batch.width], 'int32');
        return mul(tokenLogProbs<Tensor2D>(policy.logits(params, prompts, batch), ids), tokenMask(batch));
      }),
    begin: (_, prompts) => new Prefixes(prompts.lengths.length),
    next: (params, state, append) => {
      const { rows } = state as Prefixes;
      for (const [b, row] of rows.entries()) if (append !== undefined) row.push(append[b] as number);
      return tidy(() =>
        rowsAt(
          params,
          Int32Array.from(rows, (row) => Math.min(prefixOf(row), prefixes - 1)),
        ),
      );
    },
    sample: (params, prompts, options) =>
      sampleCompletions(policy, params, prompts, {
        ...options,
        ...policy.config,
        maxNewTokens: Math.min(length, options.maxNewTokens),
      }),
    codec: {
      encode: (texts) => ({
        ids: new Int32Array(texts.length),
        width: 1,
        lengths: new Int32Array(texts.length).fill(1),
      }),
      decode: ({ ids, width, lengths }) =>
        Array.from(lengths, (n, b) => [...ids.subarray(b * width, b * width + n)].join(' ')),
    },
  };
  return policy;
}

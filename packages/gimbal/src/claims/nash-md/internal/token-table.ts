// A language model that is a table: logits for each prefix of fewer than `length` tokens. All its completions can be
// walked through, so that every quantity of training on it is known exactly. The prompt does not matter.
import { sampleCompletions } from '@gimbal/language-models';
import { type DecodeState, type LogitPolicy, type Params, type TextCodec, tokenLogProbs } from '@gimbal/tensor-core';
import { gather, reshape, type Tensor2D, type Tensor3D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';

export interface TokenTable extends LogitPolicy {
  readonly codec: TextCodec;
  readonly config: { readonly eosIds: readonly number[]; readonly padId: number };
  readonly vocabulary: number;
  /** prefixes, the empty one first */
  readonly prefixes: number;
  /** every completion, in the order of counting */
  readonly completions: readonly (readonly number[])[];
  /** number of a prefix */
  prefixOf(tokens: ArrayLike<number>): number;
  /** log p of every completion, in float64 */
  logProbabilities(logits: Float64Array): Float64Array;
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

export function tokenTable(V: number, length: number): TokenTable {
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
    vocabulary: V,
    config: { eosIds: [], padId: 0 },
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
        return tokenLogProbs<Tensor2D>(policy.logits(params, prompts, batch), ids);
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
    sample: (params, prompts, o) =>
      sampleCompletions(policy, params, prompts, { ...o, ...policy.config, maxNewTokens: length }),
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

/** The table as a tree; the caller disposes it. */
export const tableParams = (policy: TokenTable, logits: Float64Array): Params => ({
  logits: tensor2d(Float32Array.from(logits), [policy.prefixes, policy.vocabulary]),
});

// Whole completions as a batch: what a trainer samples with.
import type { LogitPolicy, Params, TokenBatch } from '@gimbal/tensor-core';
import { type DecodeTokensOptions, decodeTokens } from './decode-tokens.ts';

/** Completions, and the model's log-probability of each token [B·width] if asked for (0 on padding). */
export interface SampledBatch extends TokenBatch {
  ended: Uint8Array;
  /** log p of each token under the model `[B·width]`, in nats; 0 on padding. */
  logProbs?: Float32Array;
}

/**
 * Samples a completion for each prompt: its tokens up to and with the one that ended it, then padding.
 * @throws as `decodeTokens`
 */
export async function sampleCompletions(
  policy: LogitPolicy,
  params: Params,
  prompts: TokenBatch,
  o: DecodeTokensOptions,
): Promise<SampledBatch> {
  const batch = prompts.lengths.length;
  const columns: Int32Array[] = [];
  const logProbs: Float32Array[] = [];
  let lengths: Int32Array = new Int32Array(batch);
  let ended: Uint8Array = new Uint8Array(batch);
  for await (const step of decodeTokens(policy, params, prompts, o)) {
    columns.push(step.ids);
    if (step.logProbs) logProbs.push(step.logProbs);
    ({ lengths, ended } = step);
  }
  const width = columns.length;
  const rows = <A extends Int32Array | Float32Array>(out: A, from: readonly A[]): A => {
    from.forEach((column, t) => {
      for (let b = 0; b < batch; b++) out[b * width + t] = column[b] as number;
    });
    return out;
  };
  return {
    ids: rows(new Int32Array(batch * width), columns),
    width,
    lengths,
    ended,
    ...(o.logProbs ? { logProbs: rows(new Float32Array(batch * width), logProbs) } : {}),
  };
}

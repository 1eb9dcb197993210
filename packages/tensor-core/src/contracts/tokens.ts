import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Rng } from '../random/rng.ts';
import type { Params } from '../tree/params.ts';

/** Token rows of unequal length, right-padded. Plain arrays: no tensor is owned. */
export interface TokenBatch {
  /** `[B * width]`, right-padded */
  ids: Int32Array;
  width: number;
  /** `[B]`, tokens that are not padding */
  lengths: Int32Array;
  /** `[B]`, completions only: 1 = ended by EOS or a stop string, 0 = cut at the limit */
  ended?: Uint8Array;
}

/** A tokenizer, as trainers see it. */
export interface TextCodec {
  encode(texts: readonly string[]): TokenBatch;
  decode(tokens: TokenBatch): string[];
}

export interface SampleOptions {
  /** default 1 */
  temperature?: number;
  topK?: number;
  topP?: number;
  maxNewTokens: number;
  rng: Rng;
  signal?: AbortSignal;
}

/** Language models satisfy it; the `params` of a LoRA policy are its adapter. */
export interface TokenPolicy {
  sample(params: Params, prompts: TokenBatch, o: SampleOptions): Promise<TokenBatch>;
  /** log p(completion token | all before it) `[B, T]`, differentiable in `params`; the caller disposes it. */
  logProbs(params: Params, prompts: TokenBatch, completions: TokenBatch): Tensor2D;
}

/** Opaque: the caches of one batch under one tree of parameters. */
export interface DecodeState extends Disposable {
  /** tokens in the cache so far */
  readonly length: number;
}

/** A policy whose whole next-token distribution can be asked for: mixtures, full-vocabulary divergences. */
export interface LogitPolicy extends TokenPolicy {
  /** `[B, T, V]`, at the positions that predict the completion's tokens */
  logits(params: Params, prompts: TokenBatch, completions: TokenBatch): Tensor3D;
  begin(params: Params, prompts: TokenBatch, o: { maxNewTokens: number }): DecodeState;
  /**
   * Next-token logits `[B, V]`, cached.
   * @param append the `[B]` tokens to add first; absent = right after the prompts
   */
  next(params: Params, state: DecodeState, append?: Int32Array): Tensor2D;
  /** Where the head is one matrix: states `[B, T, D]` and head `[V, D]`, so that chunked losses never see `[B, T, V]`. */
  hidden?(params: Params, prompts: TokenBatch, completions: TokenBatch): { states: Tensor3D; head: Tensor2D };
}

import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Rng } from '../random/rng.ts';
import type { Params } from '../tree/params.ts';

/** Token rows of unequal length, right-padded. Plain arrays: no tensor is owned. */
export interface TokenBatch {
  /** `[B * width]`, right-padded */
  ids: Int32Array;
  /** tokens in a row, padding included */
  width: number;
  /** `[B]`, tokens that are not padding */
  lengths: Int32Array;
  /** `[B]`, completions only: 1 = ended by EOS or a stop string, 0 = cut at the limit */
  ended?: Uint8Array;
}

/** A tokenizer, as trainers see it. */
export interface TextCodec {
  /** Texts as right-padded rows of tokens. */
  encode(texts: readonly string[]): TokenBatch;
  /** The text of each row. */
  decode(tokens: TokenBatch): string[];
}

/** How completions are sampled. */
export interface SampleOptions {
  /** default 1 */
  temperature?: number;
  /** draw from the k likeliest tokens only; default 0 = all */
  topK?: number;
  /** draw from the smallest set of this probability, in (0, 1]; default 1 = all */
  topP?: number;
  /** draw only tokens at least this share as probable as the likeliest; default 0 = all */
  minP?: number;
  /** most tokens of a completion, ≥ 1 */
  maxNewTokens: number;
  /** where the draws come from: it moves on, so the next call draws others */
  rng: Rng;
  /** stops between two tokens, with a StoppedError */
  signal?: AbortSignal;
}

/** Language models satisfy it; the `params` of a LoRA policy are its adapter. */
export interface TokenPolicy {
  /** A completion for each prompt, under these parameters. */
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
  /** A state for cached decoding of these prompts; the caller disposes it. */
  begin(params: Params, prompts: TokenBatch, o: { maxNewTokens: number }): DecodeState;
  /**
   * Next-token logits `[B, V]`, cached.
   * @param append the `[B]` tokens to add first; absent = right after the prompts
   */
  next(params: Params, state: DecodeState, append?: Int32Array): Tensor2D;
  /** Where the head is one matrix: states `[B, T, D]` and head `[V, D]`, so that chunked losses never see `[B, T, V]`. */
  hidden?(params: Params, prompts: TokenBatch, completions: TokenBatch): { states: Tensor3D; head: Tensor2D };
}

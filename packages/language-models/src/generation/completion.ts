// What generation from texts takes and gives.
import type { Rng } from '@gimbal/tensor-core';
import type { LogitsProcessor } from './logits-processors.ts';
import type { SamplerOptions } from './sampler-options.ts';

/** How texts go on. */
export interface GenerateOptions extends SamplerOptions {
  /** Most tokens to write (64, or what the context has room for beside the longest prompt). */
  maxNewTokens?: number;
  /** Completions of each prompt (1): completion `i` is of prompt `⌊i / samples⌋`. The best of a search, if there is one. */
  samples?: number;
  /** Search the likeliest completion with so many at a time, and draw nothing (1: no search); at least `samples`. */
  beams?: number;
  /** In a search: scores are divided by length to this power (1). */
  lengthPenalty?: number;
  /** In a search: end a prompt once `beams` completions have ended (false); see `beamSearch`. */
  earlyStopping?: boolean | 'never';
  /** Change the logits of each row before its token is drawn: constraints, penalties. */
  logitsProcessors?: readonly LogitsProcessor[];
  /** A completion ends before the first of these. */
  stopStrings?: readonly string[];
  /** Tokens that end a completion (the tokenizer's end-of-text token). */
  eosIds?: readonly number[];
  /** Whether the tokenizer's suffix follows each prompt, as in fine-tuning (true). False to continue a text. */
  promptSuffix?: boolean;
  /** Whether the prompts are what a chat template wrote, so that nothing is to be added to them (false). */
  rendered?: boolean;
  /** Where the draws come from; not needed at temperature 0. */
  rng: Rng;
  /** Stops it between two tokens, with a StoppedError. */
  signal?: AbortSignal;
}

/** How a completion ended: by an end token, by a stop string, or at the limit. */
export type EndReason = 'eos' | 'stop' | 'length';

/** What was written for one prompt. */
export interface Completion {
  /** Without the end token and what stands from a stop string on. */
  readonly text: string;
  /** All tokens drawn, the end token included. */
  readonly ids: readonly number[];
  /** log p of each token under the model (temperature 1, nothing left out). */
  readonly logProbs: readonly number[];
  /** Why it ends there. */
  readonly end: EndReason;
}

/** What one step adds to one completion. */
export interface CompletionPart {
  /** Which completion: of prompt `⌊row / samples⌋`. */
  readonly row: number;
  /** New text; text that may yet turn out to be part of a stop string or of a character is held back. */
  readonly text: string;
  /** The token drawn. */
  readonly id: number;
  /** Its log-probability under the model (temperature 1, nothing left out), in nats. */
  readonly logProb: number;
  /** Set with the last part of a row. */
  readonly end?: EndReason;
}

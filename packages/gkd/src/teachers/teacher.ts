/** What a teacher is: next-token distributions at the prefixes of given completions, from wherever they come. */
import type { SampleOptions, TokenBatch } from '@gimbal/tensor-core';
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { Vocabulary } from './vocabulary.ts';

/** The likeliest tokens of each row, and what is left of the probability. Plain arrays: no tensor is owned. */
export interface TopK {
  /** `[rows · K]` */
  ids: Int32Array;
  /** log p of each `[rows · K]`, of the full distribution */
  logp: Float32Array;
  /** Σ p of all other tokens `[rows]`, ≥ 0 */
  tail: Float32Array;
}

/**
 * What a teacher says of completions: one row for each token that counts, completion after completion, padding left out.
 * `full`: logits (or log-probabilities) `[rows, V]`. `hidden`: states `[rows, D]` whose product with the head `[V, D]` they
 * are, so that they can be made chunk by chunk. `sampled`: log p of the completion's own tokens `[rows]`. Tensors belong to
 * the caller.
 */
export type TeacherRows =
  | { full: Tensor2D }
  | { hidden: Tensor2D; head: Tensor2D }
  | { topK: TopK }
  | {
      /** log p of the completion's own tokens `[rows]` */
      sampled: Float32Array;
      /** number of the stretch of text that each row belongs to, where the teacher has other tokens: `sampled` is then its share of the stretch's log p; −1: a token without text, which counts nothing */
      spans?: Int32Array;
    };

/**
 * How much of the distributions is wanted. `topK`: the likeliest tokens. `at`: `each` given tokens a row `[rows · each]`, such as
 * those that the student holds likeliest; the answer is a `topK` of them, in their order. The answer to both has the sum of
 * all other tokens.
 */
export type Wanted = 'full' | { topK: number } | { at: Int32Array; each: number } | 'sampled';

/** A frozen model, or whatever knows the next token's distribution. */
export interface Teacher {
  /** of its vocabulary (`tokenizerHash`): that of the student must be the same */
  readonly tokenizerHash: string;
  /** its tokenizer; needed where it is not the student's (`alignment`) */
  readonly vocabulary?: Vocabulary;
  /** most tokens that it reads at a time, prompt and completion together; default any number */
  readonly contextLength?: number;
  /** V: columns of its logits */
  readonly vocabSize: number;
  /** it can give whole distributions, so that what likeliest tokens leave out can be measured; default not known */
  readonly whole?: boolean;
  /** what a cache of its answers is named after: changes with its weights */
  readonly identity?: string;
  /**
   * The distributions that the completions' tokens were drawn from, or would be. `full` may come as `hidden`.
   * @param o `signal` may be handed on, to `fetch` for example: what that throws when it is stopped ends a training as any stop
   */
  score(prompts: TokenBatch, completions: TokenBatch, o: { want: Wanted; signal?: AbortSignal }): Promise<TeacherRows>;
  /** Its own completions. */
  sample?(prompts: TokenBatch, o: SampleOptions): Promise<TokenBatch>;
  /** Frees what it holds. */
  dispose?(): void;
}

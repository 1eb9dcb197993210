// Sentence embeddings: one vector a text, the mean of its tokens' states or the first one's, of length 1 (Reimers and
// Gurevych, arXiv 1908.10084; the library sentence-transformers).
import type { Params } from '@gimbal/tensor-core';
import { div, maximum, mul, reshape, slice, sqrt, sum, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { maskOf } from '../internal/padding.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { encodeTexts } from './encode-texts.ts';
import type { Encoder, EncoderBatch } from './encoder.ts';

/** How the states of a text's tokens become one vector. */
export interface PoolingOptions {
  /** The mean over a text's tokens, or the state of its first token (`mean`). */
  pooling?: 'mean' | 'first';
  /** Whether vectors are divided by their length (true). */
  normalize?: boolean;
}

/**
 * Vectors [B,D] of a batch, differentiable in `params`; the caller disposes them.
 */
export function poolStates(
  encoder: Encoder,
  params: Params,
  batch: EncoderBatch,
  { pooling = 'mean', normalize = true }: PoolingOptions = {},
): Tensor2D {
  return tidy(() => {
    const states = encoder.states(params, batch); // [B,T,D]
    const [rows, , width] = states.shape;
    let pooled: Tensor;
    if (pooling === 'first') pooled = reshape(slice(states, [0, 0, 0], [-1, 1, -1]), [rows, width]);
    else {
      const mask = maskOf(batch); // [B,T]
      pooled = div(sum(mul(states, reshape(mask, [rows, batch.width, 1])), 1), sum(mask, 1, true));
    }
    if (!normalize) return pooled as Tensor2D;
    return div(pooled, maximum(sqrt(sum(mul(pooled, pooled), -1, true)), 1e-12)) as Tensor2D;
  });
}

/** How texts become vectors, and how many at a time. */
export interface EmbedOptions extends PoolingOptions {
  /** Longest text in tokens; longer ones lose their end (the encoder's context). */
  limit?: number;
  /** Texts at a time (32). */
  batchSize?: number;
}

/**
 * One vector for each text.
 * @example const [a, b] = await embedTexts(encoder, params, tokenizer, ['a cat', 'a dog']);
 */
export async function embedTexts(
  encoder: Encoder,
  params: Params,
  tokenizer: Tokenizer,
  texts: readonly string[],
  { limit = encoder.config.contextLength, batchSize = 32, ...pooling }: EmbedOptions = {},
): Promise<Float32Array[]> {
  const vectors = new Array<Float32Array>(texts.length);
  // neighbours of like length waste little padding
  const order = texts.map((_, i) => i).sort((a, b) => (texts[a] as string).length - (texts[b] as string).length);
  for (let at = 0; at < order.length; at += batchSize) {
    const some = order.slice(at, at + batchSize);
    const batch = encodeTexts(
      tokenizer,
      some.map((i) => texts[i] as string),
      { limit },
    );
    const pooled = poolStates(encoder, params, batch, pooling);
    const values = (await pooled.data()) as Float32Array;
    const { width } = encoder.config;
    some.forEach((i, row) => {
      vectors[i] = values.slice(row * width, (row + 1) * width);
    });
    pooled.dispose();
  }
  return vectors;
}

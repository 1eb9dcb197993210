// What an encoder-decoder is: the sizes of T5 (Raffel et al., arXiv 1910.10683), T5 v1.1 and Flan-T5.
import { type Activation, ConfigError, requireOptions } from '@gimbal/tensor-core';
import { checkSizes } from '../internal/check-sizes.ts';

/** An encoder-decoder's sizes; what is left out has the default in brackets. */
export interface Seq2SeqOptions {
  /** V: rows of the embedding; at least the tokenizer's `size`. */
  vocabularySize: number;
  /** Longest source, and longest target, in tokens (512). Positions are relative, so a model bears longer ones. */
  contextLength?: number;
  /** D: width of the stream (128). */
  width?: number;
  /** Blocks of the encoder (4). */
  layers?: number;
  /** Blocks of the decoder (layers). */
  decoderLayers?: number;
  /** H: heads (4). */
  heads?: number;
  /** Width of a head (width / heads). */
  headWidth?: number;
  /** F: width inside the MLP (4 D; gated 8/3 D rounded up to a multiple of 32). */
  feedForward?: number;
  /** Of the MLP (`gelu`, the tanh form; T5 itself: `relu`). */
  activation?: Activation;
  /** Whether the MLP is act(wi_0 x) ⊙ wi_1 x (true; T5 itself: false). */
  gated?: boolean;
  /** Distances that are told apart, in both directions together where both are seen (32). */
  buckets?: number;
  /** Distances from here on are one (128). */
  maxDistance?: number;
  /** Whether the output matrix is the embedding (true). */
  tieEmbeddings?: boolean;
  /** Whether the decoder's output is divided by √D before the output matrix (as tieEmbeddings). */
  scaleOutput?: boolean;
  /** Added to mean squares (1e-6). */
  normEpsilon?: number;
  /** Chance that an element of embeddings and branches' outputs is dropped in training (0). */
  dropout?: number;
  /** Factor of the initial weights' deviations (1). */
  initializerFactor?: number;
  /** Tokens that end a completion ([1]). */
  eosIds?: readonly number[];
  /** The token that fills up rows (0). */
  padId?: number;
  /** The token that the decoder begins with (padId). */
  startId?: number;
}

/** The options with every default filled in. */
export type Seq2SeqConfig = Required<Seq2SeqOptions>;

/**
 * Fills in the defaults and checks every size.
 * @throws ConfigError for a size that does not fit the others, or a token outside the vocabulary
 */
export function seq2seqConfig(o: Seq2SeqOptions): Seq2SeqConfig {
  requireOptions('seq2seq', o);
  const { vocabularySize, contextLength = 512, width = 128, layers = 4, decoderLayers = layers, heads = 4 } = o;
  const { headWidth = width / heads, gated = true, activation = 'gelu', buckets = 32, maxDistance = 128 } = o;
  const { feedForward = gated ? 32 * Math.ceil((8 * width) / 3 / 32) : 4 * width } = o;
  const { tieEmbeddings = true, scaleOutput = tieEmbeddings, normEpsilon = 1e-6, dropout = 0 } = o;
  const { initializerFactor = 1, eosIds = [1], padId = 0, startId = padId } = o;
  const sizes = { vocabularySize, contextLength, width, layers, decoderLayers, heads, headWidth, feedForward };
  checkSizes('seq2seq', { ...sizes, buckets, maxDistance }, { headWidth: 'The width must divide into the heads' });
  const check = (name: string, right: boolean, got: unknown, wanted: string): void => {
    if (!right) throw new ConfigError({ where: `seq2seq.${name}`, what: 'out of range', got, wanted });
  };
  check('decoderLayers', decoderLayers <= 10_000, decoderLayers, 'at most 10000');
  check('buckets', buckets % 4 === 0, buckets, 'a multiple of 4: two directions, near and far');
  check('maxDistance', maxDistance > buckets / 2, maxDistance, `more than ${buckets / 2}, half the buckets`);
  check('dropout', dropout >= 0 && dropout < 1, dropout, 'a number in [0, 1)');
  check('normEpsilon', normEpsilon > 0, normEpsilon, '> 0');
  check('initializerFactor', initializerFactor > 0, initializerFactor, '> 0');
  for (const [name, ids] of Object.entries({ eosIds, padId: [padId], startId: [startId] })) {
    const bad = ids.find((id) => !Number.isSafeInteger(id) || id < 0 || id >= vocabularySize);
    check(name, bad === undefined, bad, `0 to ${vocabularySize - 1}`);
  }
  return {
    ...sizes,
    activation,
    gated,
    buckets,
    maxDistance,
    tieEmbeddings,
    scaleOutput,
    normEpsilon,
    dropout,
    initializerFactor,
    eosIds,
    padId,
    startId,
  };
}

// What an encoder is: one description for BERT, RoBERTa and DeBERTa-v2/v3.

import { type Activation, ConfigError, requireOptions } from '@gimbal/tensor-core';
import { checkSizes } from '../internal/check-sizes.ts';

/** Which block and which names; `xlm-roberta` is RoBERTa under another `model_type`. */
export type EncoderFamilyName = 'bert' | 'roberta' | 'xlm-roberta' | 'deberta-v2';

/** Every family, for messages. */
export const encoderFamilyNames: readonly EncoderFamilyName[] = ['bert', 'roberta', 'xlm-roberta', 'deberta-v2'];

/** An encoder's sizes; what is left out has the default in brackets. */
export interface EncoderOptions {
  /** `bert`: learned positions, layer norm after each branch. `roberta`: the same with positions from padId + 1 on. `deberta-v2`: distances between tokens in the attention instead of positions (`bert`). */
  family?: EncoderFamilyName;
  /** V: rows of the embedding; at least the tokenizer's `size`. */
  vocabularySize: number;
  /** Longest row in tokens (512). */
  contextLength?: number;
  /** D: width of the stream (128). */
  width?: number;
  /** Blocks (4). */
  layers?: number;
  /** H: heads, a divisor of the width (4). */
  heads?: number;
  /** F: width inside the MLP (4 D). */
  feedForward?: number;
  /** Of the MLP (`gelu-erf`). */
  activation?: Activation;
  /** Added to variances (1e-12; `deberta-v2` 1e-7). */
  normEpsilon?: number;
  /** Kinds of segments, for pairs of texts; 0 = no such table (2; `roberta` 1; `deberta-v2` 0). */
  typeVocabulary?: number;
  /** The token that fills up rows (0; `roberta` 1). */
  padId?: number;
  /** Chance that an element is dropped in training, of embeddings and branches' outputs (0). */
  dropout?: number;
  /** Standard deviation of initial weights (.02). */
  initializerRange?: number;
  /** `deberta-v2` only: how it sees distances. */
  relative?: Partial<RelativeOptions>;
  /** `deberta-v2` only: of its classifier's pooler (`gelu-erf`); that of the others is tanh. */
  poolerActivation?: Activation;
}

/** How DeBERTa's attention sees the distance of two tokens. */
export interface RelativeOptions {
  /** Distances told apart on each side; 0 = as many as `maxDistance` (256). */
  buckets: number;
  /** Distances beyond are one (the context's length). */
  maxDistance: number;
  /** Whether queries meet the key's distance and keys the query's (both). */
  types: readonly ('c2p' | 'p2c')[];
  /** Distances go through the same projections as tokens (true). */
  shareKeys: boolean;
  /** The table of distances is normalised (true). */
  normTable: boolean;
  /** Learned positions are added to the embedding as well (false). */
  positions: boolean;
}

/** The options with every default filled in. */
export type EncoderConfig = Required<Omit<EncoderOptions, 'relative' | 'poolerActivation'>> & {
  /** `deberta-v2` only: how it sees distances. */
  readonly relative?: RelativeOptions;
  /** `deberta-v2` only: of its classifier's pooler; absent where it is `gelu-erf`. */
  readonly poolerActivation?: Activation;
};

/**
 * Fills in the defaults and checks every size.
 * @throws ConfigError for a size that does not fit the others
 */
export function encoderConfig(o: EncoderOptions): EncoderConfig {
  requireOptions('encoder', o);
  const { family = 'bert', vocabularySize, contextLength = 512, width = 128, layers = 4, heads = 4 } = o;
  if (!encoderFamilyNames.includes(family)) {
    const wanted = encoderFamilyNames.join(', ');
    throw new ConfigError({ where: 'encoder.family', what: 'unknown family', got: family, wanted });
  }
  const [deberta, roberta] = [family === 'deberta-v2', family.endsWith('roberta')];
  const { feedForward = 4 * width, activation = 'gelu-erf', normEpsilon = deberta ? 1e-7 : 1e-12 } = o;
  const { typeVocabulary = deberta ? 0 : roberta ? 1 : 2, padId = roberta ? 1 : 0 } = o;
  const { dropout = 0, initializerRange = 0.02 } = o;
  const sizes = { vocabularySize, contextLength, width, layers, heads, feedForward, headWidth: width / heads };
  checkSizes('encoder', sizes, { headWidth: 'The width must divide into the heads' });
  if (!(dropout >= 0 && dropout < 1)) {
    throw new ConfigError({ where: 'encoder.dropout', what: 'out of range', got: dropout, wanted: '[0, 1)' });
  }
  const relative: RelativeOptions = {
    buckets: 256,
    maxDistance: contextLength,
    types: ['p2c', 'c2p'],
    shareKeys: true,
    normTable: true,
    positions: false,
    ...o.relative,
  };
  return {
    family,
    vocabularySize,
    contextLength,
    width,
    layers,
    heads,
    feedForward,
    activation,
    normEpsilon,
    typeVocabulary,
    padId,
    dropout,
    initializerRange,
    ...(deberta ? { relative, poolerActivation: o.poolerActivation ?? 'gelu-erf' } : {}),
  };
}

// What a decoder is: one description for every family. The names are ours; families/*.ts translate them from and to
// the `config.json` of Hugging Face's checkpoints.

import { ConfigError, nearest, type RotaryScaling, requireOptions } from '@gimbal/tensor-core';
import { checkSizes } from '../internal/check-sizes.ts';

/** Which block, and which names its parameters have: see families/. The names are Hugging Face's `model_type`. */
export type FamilyName = 'gpt2' | 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gemma' | 'gemma2' | 'gemma3_text';

/** Every family, for messages. */
export const familyNames: readonly FamilyName[] = [
  'llama',
  'gpt2',
  'mistral',
  'qwen2',
  'qwen3',
  'gemma',
  'gemma2',
  'gemma3_text',
];

/** What a decoder is made of; only the size of the vocabulary has no default. */
export interface DecoderOptions {
  /**
   * `llama`: RoPE, RMSNorm, SwiGLU, grouped heads. `mistral`, `qwen2`, `qwen3`, `gemma`, `gemma2`, `gemma3_text`: that
   * block with what the family changes. `gpt2`: learned positions, layer norm, GELU, one packed c_attn.
   */
  family?: FamilyName;
  /** V: rows of the embedding; at least the tokenizer's `size`. */
  vocabularySize: number;
  /** Longest row in tokens (256). */
  contextLength?: number;
  /** D: width of the residual stream (128). */
  width?: number;
  /** Blocks (4). */
  layers?: number;
  /** H: query heads (4). */
  heads?: number;
  /** Heads of keys and values, each shared by heads / kvHeads query heads; not for `gpt2` (= heads). */
  kvHeads?: number;
  /** Width of a head (width / heads). */
  headWidth?: number;
  /** F: width inside the MLP; by default 4 D for `gpt2`, else 8/3 D rounded up to a multiple of 32. */
  feedForward?: number;
  /** Whether the output matrix is the embedding (true). */
  tieEmbeddings?: boolean;
  /** Added to variances (1e-5). */
  normEpsilon?: number;
  /** Base of the rotary frequencies (10000); not for `gpt2`. */
  ropeTheta?: number;
  /** How rotary frequencies are stretched for long contexts; not for `gpt2`. */
  ropeScaling?: RotaryScaling;
  /** Base of the frequencies in layers that slide, which are not stretched then (Gemma 3: 10000). */
  localRopeTheta?: number;
  /** How many tokens, itself included, a query of a sliding layer sees (none: all before it). */
  window?: number;
  /** Which layers slide; where a window is given, by default all of them. */
  slidingLayers?: readonly boolean[];
  /** Biases on queries, keys and values, and but for `qwen2` on the attention's output (`qwen2`: true; else false). */
  attentionBias?: boolean;
  /** What scores are multiplied with (headWidth^−½). */
  queryScale?: number;
  /** Scores become cap · tanh(score / cap) (none). */
  attentionSoftcap?: number;
  /** Logits become cap · tanh(logit / cap) (none). */
  finalSoftcap?: number;
  /** Chance that an element of the embedding and of each branch's output is dropped in training (0). */
  dropout?: number;
  /** Standard deviation of initial weights (.02). */
  initializerRange?: number;
  /** Tokens that end a completion (none: only the limit does). */
  eosIds?: readonly number[];
  /** The token that fills up rows that ended (0). It may be one of `eosIds`: padding is told by lengths, never by ids. */
  padId?: number;
  /** The token that begins a text, for checkpoints that have one. */
  bosId?: number;
}

/** The options with every default filled in. */
export type DecoderConfig = Required<Omit<DecoderOptions, OptionalName>> & Pick<DecoderOptions, OptionalName>;

/** Options without a default: absent is a meaning of its own. */
type OptionalName =
  | 'ropeScaling'
  | 'bosId'
  | 'localRopeTheta'
  | 'window'
  | 'slidingLayers'
  | 'queryScale'
  | 'attentionSoftcap'
  | 'finalSoftcap';

const known = [
  ...['family', 'vocabularySize', 'contextLength', 'width', 'layers', 'heads', 'kvHeads', 'headWidth', 'feedForward'],
  ...['tieEmbeddings', 'normEpsilon', 'ropeTheta', 'ropeScaling', 'dropout', 'initializerRange'],
  ...['localRopeTheta', 'window', 'slidingLayers', 'attentionBias', 'queryScale', 'attentionSoftcap', 'finalSoftcap'],
  ...['eosIds', 'padId', 'bosId'],
];

/**
 * Fills in the defaults and checks every size.
 * @throws ConfigError for an unknown option (with the nearest known one) or a size that does not fit the others
 */
export function decoderConfig(o: DecoderOptions): DecoderConfig {
  requireOptions('decoder', o);
  for (const name of Object.keys(o)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new ConfigError({
      where: 'decoder',
      what: `unknown option ${name}`,
      wanted: `one of ${known.join(', ')}`,
      ...(near === undefined ? {} : { fix: `Did you mean ${near}?` }),
    });
  }
  const { family = 'llama', vocabularySize, contextLength = 256, width = 128, layers = 4, heads = 4 } = o;
  if (!familyNames.includes(family)) {
    const wanted = familyNames.join(', ');
    throw new ConfigError({ where: 'decoder.family', what: 'unknown family', got: family, wanted });
  }
  const { kvHeads = heads, headWidth = width / heads } = o;
  const feedForward = o.feedForward ?? (family === 'gpt2' ? 4 * width : 32 * Math.ceil((8 * width) / 3 / 32));
  checkSizes(
    'decoder',
    { vocabularySize, contextLength, width, layers, heads, kvHeads, headWidth, feedForward },
    { headWidth: 'The width must divide into the heads, or pass headWidth' },
  );
  if (heads % kvHeads !== 0) {
    throw new ConfigError({
      where: 'decoder.kvHeads',
      what: 'does not divide the heads',
      got: kvHeads,
      wanted: `a divisor of ${heads}`,
    });
  }
  if (family === 'gpt2' && (kvHeads !== heads || headWidth * heads !== width)) {
    throw new ConfigError({
      where: 'decoder',
      what: 'GPT-2’s block has as many key heads as query heads, and together they are as wide as the stream',
      got: { width, heads, kvHeads, headWidth },
      fix: 'Use family llama',
    });
  }
  if (family !== 'gpt2' && headWidth % 2 !== 0) {
    throw new ConfigError({
      where: 'decoder.headWidth',
      what: 'rotary positions turn pairs',
      got: headWidth,
      wanted: 'an even number',
    });
  }
  const { dropout = 0, normEpsilon = 1e-5, ropeTheta = 10000, initializerRange = 0.02, tieEmbeddings = true } = o;
  if (!(dropout >= 0 && dropout < 1)) {
    throw new ConfigError({
      where: 'decoder.dropout',
      what: 'out of range',
      got: dropout,
      wanted: 'a number in [0, 1)',
    });
  }
  const optional = optionalNumbers(o);
  for (const [name, value] of Object.entries({ normEpsilon, ropeTheta, initializerRange, ...optional })) {
    if (!(value > 0))
      throw new ConfigError({ where: `decoder.${name}`, what: 'out of range', got: value, wanted: '> 0' });
  }
  const slidingLayers = checkSliding(o, layers);
  const { eosIds = [], padId = 0, attentionBias = family === 'qwen2' } = o;
  for (const [name, ids] of Object.entries({ eosIds, padId: [padId], bosId: o.bosId === undefined ? [] : [o.bosId] })) {
    const bad = ids.find((id) => !Number.isSafeInteger(id) || id < 0 || id >= vocabularySize);
    if (bad === undefined) continue;
    throw new ConfigError({
      where: `decoder.${name}`,
      what: 'no token of the vocabulary',
      got: bad,
      wanted: `0 to ${vocabularySize - 1}`,
    });
  }
  return {
    eosIds,
    padId,
    ...(o.bosId === undefined ? {} : { bosId: o.bosId }),
    family,
    vocabularySize,
    contextLength,
    width,
    layers,
    heads,
    kvHeads,
    headWidth,
    feedForward,
    tieEmbeddings,
    normEpsilon,
    ropeTheta,
    dropout,
    initializerRange,
    attentionBias,
    ...(o.ropeScaling === undefined ? {} : { ropeScaling: o.ropeScaling }),
    ...(slidingLayers === undefined ? {} : { slidingLayers }),
    ...optional,
  };
}

/** Those of the numbers without a default that are given. */
function optionalNumbers(o: DecoderOptions): Partial<Record<OptionalNumber, number>> {
  const given = optionalNumberNames.filter((name) => o[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, o[name]]));
}

const optionalNumberNames = ['localRopeTheta', 'window', 'queryScale', 'attentionSoftcap', 'finalSoftcap'] as const;
type OptionalNumber = (typeof optionalNumberNames)[number];

/** @returns which layers slide, or undefined where none does */
function checkSliding(o: DecoderOptions, layers: number): readonly boolean[] | undefined {
  const refuse = (name: string, what: string, got: unknown, wanted: string): never => {
    throw new ConfigError({ where: `decoder.${name}`, what, got, wanted });
  };
  const { window, slidingLayers } = o;
  if (window === undefined) {
    if (slidingLayers?.some(Boolean))
      refuse('slidingLayers', 'layers slide, but no window is given', o.window, 'window');
    return undefined;
  }
  if (!Number.isSafeInteger(window)) refuse('window', 'bad size', window, 'a whole number > 0');
  const slides = slidingLayers ?? Array.from({ length: layers }, () => true);
  if (slides.length !== layers) refuse('slidingLayers', 'not one for each layer', slides.length, `${layers}`);
  return slides;
}

// `config.json` of the families with Llama's names: what each calls its options, and what an absent key means in it.
import { ConfigError } from '@gimbal/tensor-core';
import { type DecoderConfig, type DecoderOptions, decoderConfig } from '../config.ts';
import { type ConfigReader, readConfig, specialIdsFromJson, specialIdsToJson } from '../huggingface-config.ts';
import { ropeFromJson, ropeToJson } from './rope-config.ts';
import { type LlamaLike, traits, traitsOf } from './traits.ts';

type Json = Record<string, unknown>;

/** What a key that is not there means: the defaults of transformers' config class. */
interface Absent {
  vocabulary: number;
  context: number;
  width: number;
  layers: number;
  heads: number;
  /** undefined: as many as `heads` */
  kvHeads?: number;
  /** undefined: width / heads */
  headWidth?: number;
  feedForward: number;
  tied: boolean;
  theta: number;
  localTheta?: number;
}

const gemmas = {
  vocabulary: 256000,
  context: 8192,
  feedForward: 9216,
  tied: true,
  theta: 10000,
  headWidth: 256,
} as const;
const absent: Readonly<Record<LlamaLike, Absent>> = {
  llama: {
    vocabulary: 32000,
    context: 2048,
    width: 4096,
    layers: 32,
    heads: 32,
    feedForward: 11008,
    tied: false,
    theta: 1e4,
  },
  mistral: {
    vocabulary: 32000,
    context: 131072,
    width: 4096,
    layers: 32,
    heads: 32,
    kvHeads: 8,
    feedForward: 14336,
    tied: false,
    theta: 1e4,
  },
  qwen2: {
    vocabulary: 151936,
    context: 32768,
    width: 4096,
    layers: 32,
    heads: 32,
    kvHeads: 32,
    feedForward: 22016,
    tied: false,
    theta: 1e4,
  },
  qwen3: {
    vocabulary: 151936,
    context: 32768,
    width: 4096,
    layers: 32,
    heads: 32,
    kvHeads: 32,
    headWidth: 128,
    feedForward: 22016,
    tied: false,
    theta: 1e4,
  },
  gemma: { ...gemmas, width: 3072, layers: 28, heads: 16, kvHeads: 16, feedForward: 24576 },
  gemma2: { ...gemmas, width: 2304, layers: 26, heads: 8, kvHeads: 4 },
  gemma3_text: {
    ...gemmas,
    vocabulary: 262208,
    context: 131072,
    width: 2304,
    layers: 26,
    heads: 8,
    kvHeads: 4,
    theta: 1e6,
    localTheta: 1e4,
  },
};

/** Reads the config of one family. */
export function configFromJson(family: LlamaLike, json: Json): DecoderConfig {
  const a = absent[family];
  const read = readConfig(json);
  const isGemma = family.startsWith('gemma');
  const act =
    isGemma && json.hidden_activation !== undefined && json.hidden_activation !== null
      ? 'hidden_activation'
      : 'hidden_act';
  if (traits[family].activation === 'silu') read.require(act, ['silu', 'swish'], 'silu');
  // Gemma's first files say `gelu` and mean the tanh form
  else
    read.require(
      act,
      ['gelu_pytorch_tanh', 'gelu_new', ...(act === 'hidden_act' ? ['gelu'] : [])],
      'gelu_pytorch_tanh',
    );
  if (family === 'llama') read.require('mlp_bias', [false], false);
  if (family === 'gemma3_text') read.require('use_bidirectional_attention', [false], false);
  const width = read.number('hidden_size', a.width);
  const heads = read.number('num_attention_heads', a.heads);
  const layers = read.number('num_hidden_layers', a.layers);
  const headWidth = read.number('head_dim', a.headWidth ?? width / heads);
  const queryScale = isGemma && family !== 'gemma' ? read.number('query_pre_attn_scalar', 256) ** -0.5 : undefined;
  return decoderConfig({
    family,
    vocabularySize: read.number('vocab_size', a.vocabulary),
    contextLength: read.number('max_position_embeddings', a.context),
    width,
    layers,
    heads,
    kvHeads: json.num_key_value_heads === null ? heads : read.number('num_key_value_heads', a.kvHeads ?? heads),
    headWidth,
    feedForward: read.number('intermediate_size', a.feedForward),
    tieEmbeddings: read.boolean('tie_word_embeddings', a.tied),
    normEpsilon: read.number('rms_norm_eps', 1e-6),
    dropout: read.number('resid_pdrop', 0),
    initializerRange: read.number('initializer_range', 0.02),
    // Qwen2 always has them, Mistral never
    attentionBias: family === 'qwen2' || (family !== 'mistral' && read.boolean('attention_bias', false)),
    ...ropeFromJson(json, { theta: a.theta, ...(a.localTheta === undefined ? {} : { local: a.localTheta }) }),
    ...(queryScale === undefined ? {} : { queryScale }),
    // the reference ignores the cap of attention in Gemma 3
    ...(family === 'gemma2' ? capOf(read, json, 'attn_logit_softcapping', 'attentionSoftcap', 50) : {}),
    ...(family === 'gemma2' ? capOf(read, json, 'final_logit_softcapping', 'finalSoftcap', 30) : {}),
    ...(family === 'gemma3_text' ? capOf(read, json, 'final_logit_softcapping', 'finalSoftcap') : {}),
    ...slidingFromJson(family, json, layers),
    ...specialIdsFromJson(json),
  });
}

/** A cap; null is none, an absent key the family's default. */
function capOf(
  read: ConfigReader,
  json: Json,
  key: string,
  name: 'attentionSoftcap' | 'finalSoftcap',
  missing?: number,
): Partial<DecoderOptions> {
  if (json[key] === null || (json[key] === undefined && missing === undefined)) return {};
  return { [name]: read.number(key, missing) };
}

/** Which layers see a window only, by the rule of each family; an explicit list wins. */
function slidingFromJson(family: LlamaLike, json: Json, layers: number): Partial<DecoderOptions> {
  if (family === 'llama' || family === 'gemma') return {};
  const read = readConfig(json);
  const missing = { mistral: 4096, qwen2: 4096, qwen3: 4096, gemma2: 4096, gemma3_text: 4096 }[family];
  if (json.sliding_window === null) return {};
  const window = read.number('sliding_window', missing);
  const types = json.layer_types;
  const layer = (slides: (index: number) => boolean): boolean[] => Array.from({ length: layers }, (_, i) => slides(i));
  let slidingLayers: boolean[];
  if (Array.isArray(types) && family !== 'mistral') {
    const bad = types.find((type) => type !== 'full_attention' && type !== 'sliding_attention');
    if (bad !== undefined || types.length !== layers) {
      throw new ConfigError({
        where: 'config.json layer_types',
        what: 'cannot be used',
        got: bad ?? `${types.length} entries`,
        wanted: `${layers} of full_attention or sliding_attention`,
      });
    }
    slidingLayers = types.map((type) => type === 'sliding_attention');
  } else if (family === 'mistral') slidingLayers = layer(() => true);
  else if (family === 'gemma2') slidingLayers = layer((i) => i % 2 === 0);
  else if (family === 'gemma3_text') {
    const pattern = read.number(
      json.sliding_window_pattern === undefined ? '_sliding_window_pattern' : 'sliding_window_pattern',
      6,
    );
    slidingLayers = layer((i) => (i + 1) % pattern !== 0);
  } else {
    // a window alone means nothing in Qwen's files
    const uses = read.boolean('use_sliding_window', false);
    const from = read.number('max_window_layers', 28);
    slidingLayers = layer((i) => uses && i >= from);
  }
  return slidingLayers.some(Boolean) ? { window, slidingLayers } : {};
}

/** Writes the config of a family as transformers 4 and 5 both read it. */
export function configToJson(c: DecoderConfig): Json {
  const { architecture, activation } = traitsOf(c);
  const family = c.family as LlamaLike;
  const isGemma = family.startsWith('gemma');
  const act = activation === 'silu' ? 'silu' : 'gelu_pytorch_tanh';
  const types = Array.from({ length: c.layers }, (_, i) =>
    c.slidingLayers?.[i] ? 'sliding_attention' : 'full_attention',
  );
  return {
    architectures: [architecture],
    model_type: c.family,
    vocab_size: c.vocabularySize,
    hidden_size: c.width,
    intermediate_size: c.feedForward,
    num_hidden_layers: c.layers,
    num_attention_heads: c.heads,
    num_key_value_heads: c.kvHeads,
    head_dim: c.headWidth,
    max_position_embeddings: c.contextLength,
    ...(isGemma && family !== 'gemma' ? { hidden_activation: act } : { hidden_act: act }),
    ...(family === 'gemma' ? { hidden_activation: act } : {}),
    rms_norm_eps: c.normEpsilon,
    ...ropeToJson(c),
    attention_bias: c.attentionBias,
    ...(family === 'llama' ? { mlp_bias: false } : {}),
    attention_dropout: 0,
    // not of these families: transformers ignores it
    resid_pdrop: c.dropout,
    initializer_range: c.initializerRange,
    tie_word_embeddings: c.tieEmbeddings,
    ...(family === 'llama' || family === 'gemma' ? {} : { sliding_window: c.window ?? null }),
    ...(family === 'qwen2' || family === 'qwen3' || isGemma ? (family === 'gemma' ? {} : { layer_types: types }) : {}),
    ...(family === 'qwen2' || family === 'qwen3'
      ? {
          use_sliding_window: c.window !== undefined,
          max_window_layers: Math.max(0, types.indexOf('sliding_attention')),
        }
      : {}),
    ...(c.queryScale === undefined ? {} : { query_pre_attn_scalar: wholeIfNear(c.queryScale ** -2) }),
    ...(family === 'gemma2' ? { attn_logit_softcapping: c.attentionSoftcap ?? null } : {}),
    ...(family === 'gemma2' || family === 'gemma3_text' ? { final_logit_softcapping: c.finalSoftcap ?? null } : {}),
    ...specialIdsToJson(c),
  };
}

/** The scalar was a whole number before its root was taken. */
const wholeIfNear = (x: number): number => (Math.abs(x - Math.round(x)) < 1e-6 ? Math.round(x) : x);

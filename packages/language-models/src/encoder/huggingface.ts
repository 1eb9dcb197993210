// `config.json` of encoders, read and written.
import { type Activation, ConfigError } from '@gimbal/tensor-core';
import { readConfig } from '../decoder/huggingface-config.ts';
import { type EncoderConfig, type EncoderFamilyName, encoderConfig } from './config.ts';

type Json = Record<string, unknown>;

/** `gelu` is the exact form there; here the exact one is `gelu-erf`. */
const activationNames: Readonly<Record<string, Activation>> = {
  gelu: 'gelu-erf',
  gelu_new: 'gelu',
  gelu_pytorch_tanh: 'gelu',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
  tanh: 'tanh',
};

/** Our activation by its name in a `config.json`. @throws ConfigError for one that is not known here */
export function activationFromJson(key: string, value: unknown): Activation {
  const found = Object.hasOwn(activationNames, String(value)) ? activationNames[String(value)] : undefined;
  if (found !== undefined) return found;
  const wanted = Object.keys(activationNames).join(', ');
  throw new ConfigError({ where: `config.json ${key}`, what: 'cannot be used', got: value, wanted });
}

/** The name in a `config.json` of one of our activations. */
export const activationToJson = (activation: Activation): string =>
  Object.entries(activationNames).find(([, ours]) => ours === activation)?.[0] ?? activation;

/** @throws ConfigError for a config of this family that cannot be run */
export function encoderFromJson(family: EncoderFamilyName, json: Json): EncoderConfig {
  const read = readConfig(json);
  const [deberta, roberta] = [family === 'deberta-v2', family.endsWith('roberta')];
  read.require('position_embedding_type', ['absolute'], 'absolute');
  read.require('is_decoder', [false], false);
  if (deberta) read.require('conv_kernel_size', [0], 0);
  const positions = read.number('max_position_embeddings', roberta ? 514 : 512);
  const padId = read.number('pad_token_id', roberta ? 1 : 0);
  const width = read.number('hidden_size', deberta ? 1536 : 768);
  if (deberta) {
    read.require('embedding_size', [width], width);
    read.require('pooler_hidden_size', [width], width);
  }
  return encoderConfig({
    family,
    vocabularySize: read.number('vocab_size', deberta ? 128100 : roberta ? 50265 : 30522),
    contextLength: roberta ? positions - padId - 1 : positions,
    width,
    layers: read.number('num_hidden_layers', deberta ? 24 : 12),
    heads: read.number('num_attention_heads', deberta ? 24 : 12),
    feedForward: read.number('intermediate_size', deberta ? 6144 : 3072),
    activation: activationFromJson('hidden_act', json.hidden_act ?? 'gelu'),
    normEpsilon: read.number('layer_norm_eps', deberta ? 1e-7 : roberta ? 1e-5 : 1e-12),
    typeVocabulary: read.number('type_vocab_size', deberta ? 0 : roberta ? 1 : 2),
    padId,
    dropout: read.number('hidden_dropout_prob', 0.1),
    initializerRange: read.number('initializer_range', 0.02),
    ...(deberta
      ? {
          relative: relativeFromJson(json, positions),
          poolerActivation: activationFromJson('pooler_hidden_act', json.pooler_hidden_act ?? 'gelu'),
        }
      : {}),
  });
}

function relativeFromJson(json: Json, positions: number): Required<EncoderConfig>['relative'] {
  const read = readConfig(json);
  read.require('relative_attention', [true], false);
  const list = json.pos_att_type ?? [];
  const types = (Array.isArray(list) ? list : String(list).split('|')).filter((type) => type !== '');
  const bad = types.find((type) => type !== 'c2p' && type !== 'p2c');
  if (bad !== undefined) {
    throw new ConfigError({ where: 'config.json pos_att_type', what: 'cannot be used', got: bad, wanted: 'c2p, p2c' });
  }
  const distance = read.number('max_relative_positions', -1);
  return {
    buckets: Math.max(read.number('position_buckets', -1), 0),
    maxDistance: distance > 0 ? distance : positions,
    types: types as ('c2p' | 'p2c')[],
    shareKeys: read.boolean('share_att_key', false),
    normTable: String(json.norm_rel_ebd ?? 'none')
      .split('|')
      .includes('layer_norm'),
    positions: read.boolean('position_biased_input', true),
  };
}

/** The config of the body; `architectures` and labels are the head's. */
export function encoderToJson(c: EncoderConfig): Json {
  const roberta = c.family.endsWith('roberta');
  const { relative: r } = c;
  return {
    model_type: c.family,
    vocab_size: c.vocabularySize,
    max_position_embeddings: roberta ? c.contextLength + c.padId + 1 : c.contextLength,
    hidden_size: c.width,
    num_hidden_layers: c.layers,
    num_attention_heads: c.heads,
    intermediate_size: c.feedForward,
    hidden_act: activationToJson(c.activation),
    layer_norm_eps: c.normEpsilon,
    type_vocab_size: c.typeVocabulary,
    pad_token_id: c.padId,
    hidden_dropout_prob: c.dropout,
    attention_probs_dropout_prob: 0,
    initializer_range: c.initializerRange,
    ...(r && {
      relative_attention: true,
      position_buckets: r.buckets > 0 ? r.buckets : -1,
      max_relative_positions: r.maxDistance === c.contextLength ? -1 : r.maxDistance,
      pos_att_type: [...r.types],
      share_att_key: r.shareKeys,
      norm_rel_ebd: r.normTable ? 'layer_norm' : 'none',
      position_biased_input: r.positions,
      pooler_hidden_act: activationToJson(c.poolerActivation ?? 'gelu-erf'),
      pooler_hidden_size: c.width,
    }),
  };
}

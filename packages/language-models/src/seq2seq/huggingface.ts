// `config.json` of T5, read and written.
import { ConfigError } from '@gimbal/tensor-core';
import { readConfig, specialIdsFromJson } from '../decoder/huggingface-config.ts';
import { activationFromJson, activationToJson } from '../encoder/huggingface.ts';
import { type Seq2SeqConfig, seq2seqConfig } from './config.ts';

type Json = Record<string, unknown>;

/**
 * Reads a `config.json`. Whether the output is scaled is told by `scale_decoder_outputs`, else by `tie_word_embeddings`:
 * transformers has always read it so, because T5 v1.1 neither ties nor scales.
 * @param tied whether the file has no output matrix of its own
 * @throws ConfigError for a config that cannot be run
 */
export function seq2seqFromJson(json: Json, tied: boolean): Seq2SeqConfig {
  const read = readConfig(json);
  const layers = read.number('num_layers', 6);
  const projection = json.feed_forward_proj ?? 'relu';
  const [kind, name] = String(projection).split('-') as [string, string | undefined];
  if (name !== undefined && kind !== 'gated') {
    const wanted = 'an activation, or gated- and an activation';
    throw new ConfigError({ where: 'config.json feed_forward_proj', what: 'cannot be used', got: projection, wanted });
  }
  // the `gelu` of gated-gelu is the tanh form, whatever the name says elsewhere
  const activation =
    projection === 'gated-gelu' ? 'gelu' : activationFromJson('feed_forward_proj', name ?? String(projection));
  const { eosIds = [1], padId = 0 } = specialIdsFromJson(json);
  return seq2seqConfig({
    vocabularySize: read.number('vocab_size', 32128),
    // positions are relative: the length that the model was made for, where the file says it
    contextLength: read.number('n_positions', 512),
    width: read.number('d_model', 512),
    layers,
    decoderLayers: read.number('num_decoder_layers', layers),
    heads: read.number('num_heads', 8),
    headWidth: read.number('d_kv', 64),
    feedForward: read.number('d_ff', 2048),
    activation,
    gated: name !== undefined,
    buckets: read.number('relative_attention_num_buckets', 32),
    maxDistance: read.number('relative_attention_max_distance', 128),
    tieEmbeddings: tied,
    scaleOutput: read.boolean('scale_decoder_outputs', read.boolean('tie_word_embeddings', true)),
    normEpsilon: read.number('layer_norm_epsilon', 1e-6),
    dropout: read.number('dropout_rate', 0.1),
    initializerFactor: read.number('initializer_factor', 1),
    eosIds,
    padId,
    startId: read.number('decoder_start_token_id', padId),
  });
}

/** Writes a `config.json` that transformers 4 and 5 read alike. */
export const seq2seqToJson = (c: Seq2SeqConfig): Json => ({
  architectures: ['T5ForConditionalGeneration'],
  model_type: 't5',
  is_encoder_decoder: true,
  vocab_size: c.vocabularySize,
  n_positions: c.contextLength,
  d_model: c.width,
  d_kv: c.headWidth,
  d_ff: c.feedForward,
  num_layers: c.layers,
  num_decoder_layers: c.decoderLayers,
  num_heads: c.heads,
  relative_attention_num_buckets: c.buckets,
  relative_attention_max_distance: c.maxDistance,
  dropout_rate: c.dropout,
  layer_norm_epsilon: c.normEpsilon,
  // transformers wants a number with a point there, which JSON has none of for a whole one; 1 is its default
  ...(c.initializerFactor === 1 ? {} : { initializer_factor: c.initializerFactor }),
  feed_forward_proj: c.gated
    ? `gated-${c.activation === 'gelu' ? 'gelu' : activationToJson(c.activation)}`
    : activationToJson(c.activation),
  tie_word_embeddings: c.tieEmbeddings,
  scale_decoder_outputs: c.scaleOutput,
  eos_token_id: c.eosIds.length === 1 ? c.eosIds[0] : c.eosIds,
  pad_token_id: c.padId,
  decoder_start_token_id: c.startId,
});

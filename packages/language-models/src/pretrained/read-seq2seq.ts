// An encoder-decoder as the files that Python's transformers writes.
import { CheckpointError, type Params } from '@gimbal/tensor-core';
import { seq2seqFromJson } from '../seq2seq/huggingface.ts';
import { type Seq2SeqModel, seq2seq } from '../seq2seq/seq2seq.ts';
import { refuseForeignIds } from '../tokenizer/check-json.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type FileDtype, readFrom } from './file-dtype.ts';
import { type GenerationDefaults, generationDefaults, generationWarnings } from './generation-config.ts';
import { type ModelSource, readingConfig, readJson, readTokenizer } from './read-pretrained.ts';
import { readTensors } from './read-tensors.ts';
import { sameValues } from './read-weights.ts';
import { refuseQuantized } from './refuse-quantized.ts';

/** What the folder of an encoder-decoder holds. */
export interface PretrainedSeq2Seq {
  /** The model that config.json describes. */
  model: Seq2SeqModel;
  /** Its parameters, float32; the caller disposes the tree. */
  params: Params;
  /** What tokenizer.json describes; undefined where there is none. */
  tokenizer: Tokenizer | undefined;
  /** How the model is meant to be sampled from. */
  generation: GenerationDefaults;
  /** How the file holds its weights. */
  dtype: FileDtype;
  /** What was found odd while reading. */
  warnings: readonly string[];
}

/** Other names of the embedding, in old files. */
const alias = /^(?:encoder|decoder)\.embed_tokens\.weight$/;
/** A table that old files hold and nothing reads. */
const unused = 'decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight';
const head = 'lm_head.weight';

/** @throws CheckpointError or ConfigError for what cannot be read or run */
export async function readSeq2Seq(source: ModelSource): Promise<PretrainedSeq2Seq> {
  const json = (await readJson(source, 'config.json', true)) as Record<string, unknown>;
  if (json.model_type !== 't5') {
    throw new CheckpointError({
      where: source.where('config.json'),
      what: 'this encoder-decoder is not known here',
      got: json.model_type ?? 'no model_type',
      wanted: 't5',
      fix: 'Decoders are opened by loadPretrained, encoders by loadEncoder',
    });
  }
  refuseQuantized(source, json);
  const generationJson = (await readJson(source, 'generation_config.json')) ?? {};
  const generation = generationDefaults(generationJson);
  const { vocabularySize } = readingConfig(source, () => seq2seqFromJson(json, true));
  const tokenizer = await readTokenizer(source, false); // before anything is allocated
  if (tokenizer) refuseForeignIds(tokenizer.json, vocabularySize, source.where('tokenizer.json'));
  const weights = await source.weights();
  try {
    const stored = new Map<string, string>();
    for (const name of weights.names) {
      if (name === unused) continue;
      const path = alias.test(name) ? 'shared.weight' : name;
      if (path === name || !stored.has(path)) stored.set(path, name);
    }
    const [embedding, output] = [stored.get('shared.weight'), stored.get(head)];
    // a file with one of the two matrices means both by it
    if (embedding === undefined && output !== undefined) stored.set('shared.weight', output);
    const tied = output === undefined || embedding === undefined || (await sameValues(weights, embedding, output));
    if (tied) stored.delete(head);
    const fromFile = seq2seqFromJson(json, tied);
    const eosIds = [...new Set([...fromFile.eosIds, ...(generation.eosIds ?? [])])];
    const padId = generation.padId ?? fromFile.padId;
    const start = generationJson.decoder_start_token_id;
    const startId = typeof start === 'number' ? start : fromFile.startId;
    const model = seq2seq({ ...fromFile, eosIds, padId, startId });
    const { params } = await readTensors(weights, stored, model.parameters, { family: 't5' });
    return {
      ...readFrom(model, weights),
      params,
      tokenizer,
      generation: { ...generation, eosIds, padId },
      warnings: [...weights.warnings, ...generationWarnings(generation, Number.POSITIVE_INFINITY)],
    };
  } finally {
    await weights.close();
  }
}

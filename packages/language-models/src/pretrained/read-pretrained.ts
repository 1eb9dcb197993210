// A model as the files that Python's transformers writes, wherever they are: a folder in Node (pretrained.node.ts), an
// address in a page (pretrained.browser.ts).
import { CheckpointError, type GimbalError, type Params, type WeightFile } from '@gimbal/tensor-core';
import type { DecoderConfig, FamilyName } from '../decoder/config.ts';
import { decoder, type LanguageModel } from '../decoder/decoder.ts';
import { families } from '../decoder/families/index.ts';
import { copyAgain } from '../decoder/huggingface-config.ts';
import { encoderFamilyNames } from '../encoder/config.ts';
import { refuseForeignIds } from '../tokenizer/check-json.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type FileDtype, readFrom } from './file-dtype.ts';
import { type GenerationDefaults, generationDefaults, generationWarnings } from './generation-config.ts';
import { readWeights } from './read-weights.ts';
import { refuseQuantized } from './refuse-quantized.ts';

/** What a model folder holds. */
export interface Pretrained {
  /** The model that config.json describes. */
  model: LanguageModel;
  /** Its parameters, float32; the caller disposes the tree. */
  params: Params;
  /** What tokenizer.json describes; undefined where there is none. */
  tokenizer: Tokenizer | undefined;
  /** How the model is meant to be sampled from. */
  generation: GenerationDefaults;
  /** How the file holds its weights. */
  dtype: FileDtype;
  /** What was found odd while reading, such as an output matrix that the config says is tied. */
  warnings: readonly string[];
}

/** Where the files of a model are read from. */
export interface ModelSource {
  /** The full name of a file, for messages. */
  where(file: string): string;
  /** The text of a file; undefined where there is none. */
  text(file: string): Promise<string | undefined>;
  /** The weights, in one file or in shards. */
  weights(): Promise<WeightFile>;
}

/**
 * @throws CheckpointError for a missing or damaged file, an unknown architecture, quantised weights, or tensors that are not the
 * config's
 */
export async function readPretrained(source: ModelSource): Promise<Pretrained> {
  const { config: described, generation } = await readDescription(source);
  // before anything is allocated
  const tokenizer = await readTokenizer(source, false);
  if (tokenizer) refuseForeignIds(tokenizer.json, described.vocabularySize, source.where('tokenizer.json'));
  const weights = await source.weights();
  try {
    const { params, config, warnings } = await readWeights(weights, described);
    const { eosIds, padId } = config;
    return {
      ...readFrom(decoder(config), weights),
      params,
      tokenizer,
      generation: { ...generation, eosIds, padId },
      warnings: [...weights.warnings, ...warnings, ...generationWarnings(generation, config.contextLength)],
    };
  } finally {
    await weights.close();
  }
}

/**
 * What the files say of a model, without its weights.
 * @throws CheckpointError for a missing or malformed file, or an unknown architecture
 */
export async function readDescription(
  source: ModelSource,
): Promise<{ config: DecoderConfig; generation: GenerationDefaults }> {
  const json = await readJson(source, 'config.json', true);
  const family = json?.model_type;
  if (typeof family !== 'string' || !Object.hasOwn(families, family)) {
    throw new CheckpointError({
      where: source.where('config.json'),
      what: 'this architecture is not known here',
      got: family ?? 'no model_type',
      wanted: `one of ${Object.keys(families).join(', ')}, or t5, an encoder-decoder`,
      fix: openedBy(family),
    });
  }
  refuseQuantized(source, json as Record<string, unknown>);
  const generationJson = (await readJson(source, 'generation_config.json')) ?? {};
  const fromFile = configOf(source, family as FamilyName, json as Record<string, unknown>);
  const generation = generationDefaults(generationJson);
  // an end token that either file names ends a text
  const eosIds = [...new Set([...fromFile.eosIds, ...(generation.eosIds ?? [])])];
  const padId = generation.padId ?? fromFile.padId;
  return { config: { ...fromFile, eosIds, padId }, generation };
}

/** Configs of tokenizers whose chat template stood in a file of its own. */
const apart = new WeakSet<object>();

/** Whether the chat template was read from `chat_template.jinja`, and so is written there again. */
export const isTemplateApart = ({ config }: Tokenizer): boolean => apart.has(config);

/**
 * @param required false: undefined where there is none
 * @throws CheckpointError for a missing or malformed file, or where there is SentencePiece's own file alone
 */
export async function readTokenizer(source: ModelSource, required: boolean): Promise<Tokenizer | undefined> {
  if ((await source.text('tokenizer.json')) === undefined) await refusePieces(source);
  const json = await readJson(source, 'tokenizer.json', required);
  if (json === undefined) return undefined;
  const config = (await readJson(source, 'tokenizer_config.json')) ?? {};
  // newer folders keep it in a file of its own
  const template = await source.text('chat_template.jinja');
  if (template !== undefined) {
    config.chat_template = template;
    apart.add(config);
  }
  try {
    return new Tokenizer(json as never, config);
  } catch (cause) {
    const { code, what, got, wanted } = cause as GimbalError;
    if (code !== 'ERR_DATA') throw cause;
    throw new CheckpointError({ where: source.where('tokenizer.json'), what, got, wanted, fix: copyAgain, cause });
  }
}

/** SentencePiece's own files, of which Python's transformers makes a tokenizer.json. */
const pieces = ['spiece.model', 'spm.model', 'tokenizer.model', 'sentencepiece.bpe.model'];

/** @throws CheckpointError where one of those is all that there is */
async function refusePieces(source: ModelSource): Promise<void> {
  for (const file of pieces) {
    if ((await source.text(file)) === undefined) continue;
    throw new CheckpointError({
      where: source.where(file),
      what: 'SentencePiece’s own file is not read here',
      wanted: 'tokenizer.json beside it',
      fix: 'Save it once from Python, into this folder: AutoTokenizer.from_pretrained(folder, use_fast=True).save_pretrained(folder)',
    });
  }
}

/** @throws CheckpointError for sizes that are missing or do not fit each other */
const configOf = (source: ModelSource, family: FamilyName, json: Record<string, unknown>): DecoderConfig =>
  readingConfig(source, () => families[family].fromHuggingFace(json));

/** What helps where a model asks for something that is not done here. */
const otherModel = 'Use a model that does without it: it is not run here';

/**
 * What a config.json says.
 * @throws CheckpointError naming file and key, for what cannot be used or run
 */
export function readingConfig<C>(source: ModelSource, read: () => C): C {
  try {
    return read();
  } catch (cause) {
    const { code, where, what, got, wanted, fix } = cause as GimbalError;
    if (code !== 'ERR_CONFIG') throw cause;
    // `config.json n_layer`, or a size by our name for it
    const key = where.replace(/^config\.json /, '');
    throw new CheckpointError({
      where: `${source.where('config.json')} ${key}`,
      what,
      got,
      wanted,
      // a size that does not fit the others goes by our name
      fix: fix ?? (key === where ? copyAgain : otherModel),
      cause,
    });
  }
}

/** Who opens a model of another architecture. */
function openedBy(family: unknown): string {
  if (family === 't5') return 'Open encoder-decoders with loadSeq2Seq';
  if ((encoderFamilyNames as readonly unknown[]).includes(family))
    return 'Open encoders with loadEncoder or loadClassifier, or train one with gimbal reward: they write no text';
  return 'Use a model of one of these, or one that gimbal align has made';
}

/** @throws CheckpointError for a file that is malformed, or required and missing */
export async function readJson(
  source: ModelSource,
  name: string,
  required = false,
): Promise<Record<string, unknown> | undefined> {
  const where = source.where(name);
  const text = await source.text(name);
  if (text === undefined) {
    if (!required) return undefined;
    const fix = 'A model folder has this file; check the path';
    throw new CheckpointError({ where, what: 'the file cannot be read: there is none', fix });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new CheckpointError({ where, what: `not JSON: ${(cause as Error).message}`, fix: copyAgain, cause });
  }
  throw new CheckpointError({ where, what: 'no JSON object', wanted: '{ … }', fix: copyAgain });
}

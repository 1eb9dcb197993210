// Encoders and classifiers as the files that Python's transformers writes.
import { CheckpointError, ConfigError, type Params, rng, type WeightFile } from '@gimbal/tensor-core';
import {
  type ClassificationProblem,
  type Classifier,
  classifier,
  isEncoderConfig,
} from '../classification/classifier.ts';
import type { DecoderConfig, FamilyName } from '../decoder/config.ts';
import { families } from '../decoder/families/index.ts';
import { type EncoderConfig, type EncoderFamilyName, encoderFamilyNames } from '../encoder/config.ts';
import { type Encoder, encoder } from '../encoder/encoder.ts';
import { encoderFromJson } from '../encoder/huggingface.ts';
import { prefixOf } from '../encoder/parameters.ts';
import type { PoolingOptions } from '../encoder/sentence-embeddings.ts';
import { refuseForeignIds } from '../tokenizer/check-json.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type FileDtype, readFrom } from './file-dtype.ts';
import { type ModelSource, readingConfig, readJson, readTokenizer } from './read-pretrained.ts';
import { readTensors } from './read-tensors.ts';
import { refuseQuantized } from './refuse-quantized.ts';

/** What an encoder's folder holds. */
export interface PretrainedEncoder {
  /** Built from `config.json`. */
  model: Encoder;
  /** Its parameters, float32; the caller disposes the tree. */
  params: Params;
  /** Undefined where the folder has none. */
  tokenizer: Tokenizer | undefined;
  /** How sentence-transformers makes vectors of it, and of how many tokens at most. */
  pooling: Required<PoolingOptions> & { limit: number };
  /** Of the weights in the file. */
  dtype: FileDtype;
  /** What was found odd while reading. */
  warnings: readonly string[];
}

/** What a classifier's folder holds. */
export interface PretrainedClassifier {
  /** Built from `config.json`. */
  model: Classifier;
  /** Its parameters, float32; the caller disposes the tree. */
  params: Params;
  /** Undefined where the folder has none. */
  tokenizer: Tokenizer | undefined;
  /** Of the weights in the file. */
  dtype: FileDtype;
  /** Paths of parameters that the file lacks, all of the head: they are new, not trained yet. */
  fresh: readonly string[];
  /** What was found odd while reading, such as a head that the file lacks where no new one was asked for. */
  warnings: readonly string[];
}

/** What head a classifier gets where the file has none, or another. */
export interface ClassifierReadOptions {
  /** Names of the classes where a new head is wanted (those of the file). */
  labels?: readonly string[];
  /** Of a new head's weights (0). */
  seed?: number;
}

type Json = Record<string, unknown>;

/** @throws CheckpointError or ConfigError for what cannot be read or run */
export async function readEncoder(source: ModelSource): Promise<PretrainedEncoder> {
  const json = (await readJson(source, 'config.json', true)) as Json;
  const config = bodyConfig(json, source, encoderFamilyNames) as EncoderConfig;
  const model = encoder(config);
  // before anything is allocated
  const tokenizer = await readTokenizer(source, false);
  if (tokenizer) refuseForeignIds(tokenizer.json, config.vocabularySize, source.where('tokenizer.json'));
  const pooling = await readPooling(source, config);
  const weights = await source.weights();
  try {
    const names = bodyNames(weights, config, false);
    const { params } = await readTensors(weights, names, model.parameters, { family: config.family });
    return {
      ...readFrom(model, weights),
      params,
      tokenizer,
      pooling,
      warnings: weights.warnings,
    };
  } finally {
    await weights.close();
  }
}

/** @throws CheckpointError or ConfigError for what cannot be read or run */
export async function readClassifier(
  source: ModelSource,
  o: ClassifierReadOptions = {},
): Promise<PretrainedClassifier> {
  const json = (await readJson(source, 'config.json', true)) as Json;
  const config = bodyConfig(json, source, [...encoderFamilyNames, ...(Object.keys(families) as FamilyName[])]);
  const labels = labelsFromJson(json);
  // labels of another number are another problem
  const problem = o.labels && o.labels.length !== labels.length ? undefined : problemFromJson(json, source);
  const model = classifier(config, o.labels ?? labels, problem && { problem });
  const tokenizer = await readTokenizer(source, false); // before anything is allocated
  if (tokenizer) refuseForeignIds(tokenizer.json, config.vocabularySize, source.where('tokenizer.json'));
  const weights = await source.weights();
  try {
    const names = bodyNames(weights, config, true);
    const isHead = (path: string): boolean => /^(?:classifier|pooler|score|bert\.pooler)\./.test(path);
    // a head for other labels is a new one
    const last = model.parameters.find((p) => /(?:classifier|out_proj|score)\.weight$/.test(p.path));
    const stored = last && names.get(last.path);
    if (o.labels && stored && weights.entry(stored).shape[0] !== o.labels.length) {
      for (const path of [...names.keys()]) if (path.startsWith(last.path.replace(/weight$/, ''))) names.delete(path);
    }
    const read = await readTensors(weights, names, model.parameters, {
      family: config.family,
      fresh: { rng: rng(o.seed ?? 0).split('head'), allows: isHead },
    });
    const { fresh: made } = read;
    // who names labels asks for a head, and a new one is what is to be trained
    const asked = o.labels !== undefined && last !== undefined && made.includes(last.path);
    const odd = made.length > 0 && !asked ? [`${weights.name}: new, not trained yet: ${made.join(', ')}`] : [];
    return {
      ...readFrom(model, weights),
      params: read.params,
      tokenizer,
      fresh: made,
      warnings: [...weights.warnings, ...odd],
    };
  } finally {
    await weights.close();
  }
}

function bodyConfig(
  json: Json,
  source: ModelSource,
  known: readonly (EncoderFamilyName | FamilyName)[],
): EncoderConfig | DecoderConfig {
  const family = json.model_type as EncoderFamilyName | FamilyName;
  if (!known.includes(family)) {
    throw new CheckpointError({
      where: source.where('config.json'),
      what: 'this architecture is not known here',
      got: family ?? 'no model_type',
      wanted: `one of ${known.join(', ')}`,
    });
  }
  refuseQuantized(source, json);
  const encodes = (encoderFamilyNames as readonly string[]).includes(family);
  if (encodes) return readingConfig(source, () => encoderFromJson(family as EncoderFamilyName, json));
  // no output matrix beside the head
  const decoder = readingConfig(source, () => families[family as FamilyName].fromHuggingFace(json));
  return { ...decoder, tieEmbeddings: true };
}

/** Heads of pretraining, and buffers that old files hold. */
const unused =
  /(?:^|\.)position_ids$|^(?:cls|lm_head|mask_predictions|lm_predictions)\.|\.attn\.(?:masked_)?bias$|inv_freq$/;

/** The name in the file of each path: prefixes added, old names of norms brought up to date, other heads left out. */
function bodyNames(file: WeightFile, c: EncoderConfig | DecoderConfig, withHead: boolean): Map<string, string> {
  const stored = new Map<string, string>();
  const prefix = isEncoderConfig(c) ? `${prefixOf(c)}.` : families[c.family].prefix;
  const head = isEncoderConfig(c) ? /^(?:classifier|pooler)\./ : /^score\./;
  for (const name of file.names) {
    if (unused.test(name)) continue;
    let path = name.replace(/LayerNorm\.gamma$/, 'LayerNorm.weight').replace(/LayerNorm\.beta$/, 'LayerNorm.bias');
    const isBertPooler = prefix === 'bert.' && path.startsWith('pooler.');
    if (!path.startsWith(prefix) && (isBertPooler || !head.test(path))) path = prefix + path;
    const isHead = head.test(path) || path.startsWith(`${prefix}pooler.`);
    // RoBERTa's base files have a pooler that its classifier does not use
    if (isHead && (!withHead || path.startsWith('roberta.pooler.'))) continue;
    stored.set(path, name);
  }
  return stored;
}

function labelsFromJson(json: Json): string[] {
  const map = json.id2label as Record<string, string> | undefined;
  const count = map ? Object.keys(map).length : Number(json.num_labels ?? 2);
  return Array.from({ length: count }, (_, i) => map?.[i] ?? `LABEL_${i}`);
}

const problemNames: Readonly<Record<ClassificationProblem, string>> = {
  regression: 'regression',
  'single-label': 'single_label_classification',
  'multi-label': 'multi_label_classification',
};

/** The name in a `config.json` of what a classifier answers. */
export const problemToJson = (problem: ClassificationProblem): string => problemNames[problem];

/** What the file says that its model answers; undefined where it leaves that to the number of labels. */
function problemFromJson(json: Json, source: ModelSource): ClassificationProblem | undefined {
  const got = json.problem_type ?? undefined;
  if (got === undefined) return undefined;
  const found = Object.entries(problemNames).find(([, name]) => name === got)?.[0];
  if (found !== undefined) return found as ClassificationProblem;
  const wanted = Object.values(problemNames).join(', ');
  throw new ConfigError({ where: `${source.where('config.json')} problem_type`, what: 'cannot be used', got, wanted });
}

/** The steps of sentence-transformers, and the file of the one that pools. @throws ConfigError for one not done here */
async function readSteps(source: ModelSource): Promise<{ file: string; named: boolean; normalizes: boolean }> {
  const file = '1_Pooling/config.json';
  const text = await source.text('modules.json');
  if (text === undefined) return { file, named: false, normalizes: true };
  const where = source.where('modules.json');
  let steps: { type?: unknown; path?: unknown }[];
  try {
    steps = JSON.parse(text) as typeof steps;
  } catch (cause) {
    throw new CheckpointError({ where, what: `not JSON: ${(cause as Error).message}`, cause });
  }
  // `sentence_transformers.models.Pooling`: newer versions have other modules before the name
  const names = Array.isArray(steps) ? steps.map((step) => String(step?.type).split('.').at(-1)) : ['no list'];
  // in this order, each once at most: a step after pooling changes what a vector means
  if (!/^Transformer(,Pooling)?(,Normalize)?$/.test(names.join())) {
    const wanted = 'Transformer, Pooling and perhaps Normalize';
    throw new ConfigError({ where, what: 'these steps are not known here', got: names.join(', '), wanted });
  }
  const pooling = names.indexOf('Pooling');
  const path = pooling < 0 ? undefined : steps[pooling]?.path;
  return {
    file: typeof path === 'string' && /^[\w-]+$/.test(path) ? `${path}/config.json` : file,
    named: pooling >= 0,
    normalizes: names.includes('Normalize'),
  };
}

/** What sentence-transformers' files say; without them the mean, normalised. */
async function readPooling(source: ModelSource, c: EncoderConfig): Promise<PretrainedEncoder['pooling']> {
  const { file, named: required, normalizes } = await readSteps(source);
  const pooling = (await readJson(source, file, required)) ?? {};
  const limit = (await readJson(source, 'sentence_bert_config.json'))?.max_seq_length;
  const modes = Object.keys(pooling).filter((key) => key.startsWith('pooling_mode') && pooling[key] === true);
  const named = typeof pooling.pooling_mode === 'string' ? [`pooling_mode_${pooling.pooling_mode}`] : modes;
  const mode = named[0] ?? 'pooling_mode_mean_tokens';
  const kind = {
    pooling_mode_mean_tokens: 'mean',
    pooling_mode_mean: 'mean',
    pooling_mode_cls_token: 'first',
    pooling_mode_cls: 'first',
  }[mode];
  if (named.length > 1 || kind === undefined) {
    throw new ConfigError({
      where: source.where(file),
      what: 'this pooling is not known here',
      got: named.join(', '),
      wanted: 'pooling_mode_mean_tokens or pooling_mode_cls_token',
    });
  }
  return {
    pooling: kind as 'mean' | 'first',
    normalize: normalizes,
    limit: Math.min(typeof limit === 'number' ? limit : c.contextLength, c.contextLength),
  };
}

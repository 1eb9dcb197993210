// A trained model as one safetensors file: weights as tensors, all else in its metadata. What a page loads.
import type { TokenizerConfig, TokenizerJson } from '@gimbal/language-models';
import {
  encodeSafetensors,
  type FloatDtype,
  flatten,
  openSafetensors,
  type SourceLike,
  type WeightFile,
} from '@gimbal/tensor-core';
import { checkKnown } from '../internal/check-names.ts';
import { refusal } from '../internal/refuse.ts';
import type { SpaceKind } from '../space/control-space.ts';
import { type SpaceStats, statsFor } from '../space/stats.ts';
import { checkModel, checkShapes, checkWriting, madeOf, tokenizerOf } from './check-parts.ts';
import { configNames, type Vec2TextConfig } from './config.ts';
import type { Vec2Text } from './module.ts';
import { parameterSpecs } from './parameters.ts';
import { checkTokenizer, trainedModel } from './trained.ts';
import { vec2text } from './vec2text.ts';

/** What a model is beside its weights, as JSON. */
export interface ModelDescription {
  config: Vec2TextConfig;
  stats: StatsJson;
  tokenizer: TokenizerJson | undefined;
  tokenizerConfig: TokenizerConfig;
}

/** Statistics with plain lists. */
export interface StatsJson {
  kind: SpaceKind;
  count: number;
  mean: number[];
  std: number[];
  cholesky: number[];
  rms: number;
  saturation: number;
}

/** Statistics as JSON holds them. */
export const statsToJson = (s: SpaceStats): StatsJson => ({
  ...s,
  mean: [...s.mean],
  std: [...s.std],
  cholesky: [...s.cholesky],
});

/** How a model is loaded. */
export interface LoadVec2TextOptions {
  /** What the caller takes for granted, such as `{ space: 'sphere' }`: refused where the saved model says otherwise. */
  config?: Partial<Vec2TextConfig>;
}

const key = 'vec2text';

/**
 * A model as the bytes of one safetensors file; `loadVec2Text` reads them.
 * @param o.dtype of the weights (F32); BF16 halves the file
 * @example await writeFile('model.safetensors', await encodeVec2Text(model, { dtype: 'BF16' }));
 */
export async function encodeVec2Text(
  model: Vec2Text,
  o: { dtype?: FloatDtype } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  checkWriting('encodeVec2Text', o);
  checkModel('encodeVec2Text.model', model);
  const { module, params, tokenizer, stats } = model;
  const description: ModelDescription = {
    config: module.config,
    stats: statsToJson(stats),
    tokenizer: tokenizer.json,
    tokenizerConfig: tokenizer.config,
  };
  return encodeSafetensors(params, { ...o, metadata: { format: 'pt', [key]: JSON.stringify(description) } });
}

/** @throws ConfigError (`CONFIG`) for an option that is none */
export function checkLoading(o: LoadVec2TextOptions): void {
  checkKnown('loadVec2Text', o, ['config']);
  if (o.config !== undefined) checkKnown('loadVec2Text.config', o.config, configNames);
}

/** @throws CheckpointError (`CHECKPOINT`) for what is no model of this package */
export async function readModelFile(from: SourceLike, o: LoadVec2TextOptions = {}): Promise<Vec2Text> {
  checkLoading(o);
  const file = await openSafetensors(from);
  try {
    const text = file.metadata[key];
    if (text === undefined) {
      const fix = 'Write it with encodeVec2Text, or load the folder of a trained model';
      throw refusal('CHECKPOINT', { where: file.name, what: 'the file describes no vec2text model', fix });
    }
    return await assembleModel(file, parseJson(file.name, text) as ModelDescription, o);
  } finally {
    await file.close();
  }
}

/** @throws CheckpointError (`CHECKPOINT`) */
export function parseJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refusal('CHECKPOINT', {
      where,
      what: 'its description is no JSON',
      fix: 'The file is damaged: copy it again',
      cause,
    });
  }
}

/**
 * The model of weights and a description.
 * @param fileOf where a part of the description was read
 * @throws CheckpointError (`CHECKPOINT`) naming the file
 */
export async function assembleModel(
  file: WeightFile,
  description: ModelDescription,
  { config: expected = {} }: LoadVec2TextOptions,
  fileOf: (part: 'config' | 'stats' | 'tokenizer') => string = () => file.name,
): Promise<Vec2Text> {
  const where = file.name;
  if (typeof description !== 'object' || description === null)
    throw refusal('CHECKPOINT', { where, what: 'its description is no object', got: description });
  const { config, stats, tokenizer, tokenizerConfig } = description;
  for (const [name, value] of Object.entries(expected)) {
    if (config?.[name as 'space'] === value) continue;
    const what = `${name} is not what was asked for`;
    const fix = 'A model is used as it was trained: leave the option away';
    throw refusal('CHECKPOINT', { where, what, got: config?.[name as 'space'], wanted: value, fix });
  }
  if (tokenizer === undefined)
    throw refusal('CHECKPOINT', { where, what: 'the model has no tokenizer', fix: 'Save it with its tokenizer' });
  if (stats == null || config == null)
    throw refusal('CHECKPOINT', { where, what: `the model has no ${config === undefined ? 'config' : 'statistics'}` });
  checkStats(fileOf('stats'), stats);
  const module = madeOf(fileOf('config'), () => vec2text(config));
  const words = tokenizerOf(fileOf('tokenizer'), tokenizer, tokenizerConfig);
  madeOf(fileOf('tokenizer'), () => checkTokenizer(fileOf('tokenizer'), words, module.config));
  const spread: SpaceStats = {
    ...stats,
    mean: Float32Array.from(stats.mean),
    std: Float32Array.from(stats.std),
    cholesky: Float32Array.from(stats.cholesky),
  };
  madeOf(fileOf('stats'), () => statsFor('vec2text', module.space, spread));
  const params = await file.params();
  try {
    checkShapes(where, params, parameterSpecs(module.config));
    return trainedModel({ module, params, tokenizer: words, stats: spread });
  } catch (error) {
    for (const [, tensor] of flatten(params)) tensor.dispose();
    throw error;
  }
}

/** Of the space that they say; whether that is the model's is asked later. Numbers that a float32 holds. */
function checkStats(where: string, { mean, std, cholesky, rms, saturation }: StatsJson): void {
  const k = mean?.length ?? 0;
  const isNumber = (x: unknown): boolean => typeof x === 'number' && Number.isFinite(Math.fround(x));
  const good = (x: unknown, n: number): boolean => Array.isArray(x) && x.length === n && x.every(isNumber);
  const isSize = (x: number): boolean => isNumber(x) && x >= 0;
  const lists = good(mean, k) && good(std, k) && std.every(isSize) && good(cholesky, k * k);
  if (lists && isSize(rms) && isSize(saturation) && saturation <= 1) return;
  throw refusal('CHECKPOINT', {
    where,
    what: 'the statistics of the model’s codes are damaged',
    wanted: 'finite numbers: mean [k], std ≥ 0 [k], cholesky [k·k], rms ≥ 0, saturation from 0 to 1',
    fix: 'Copy the model again',
  });
}

// A model as a folder that Python's transformers opens: config.json, model.safetensors (or shards), generation_config.json
// and the tokenizer's files.
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CheckpointError,
  openSafetensors,
  type Params,
  writeDirectoryAtomic,
  writeFileDurable,
  writeShardedSafetensors,
} from '@gimbal/tensor-core';
import type { FamilyName } from '../decoder/config.ts';
import { decoder, type LanguageModel } from '../decoder/decoder.ts';
import { families } from '../decoder/families/index.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import { type GenerationDefaults, generationConfigJson, generationDefaults } from './generation-config.ts';
import { readWeights } from './read-weights.ts';

/** What a model folder holds. */
export interface Pretrained {
  model: LanguageModel;
  /** The caller disposes the tree. */
  params: Params;
  tokenizer: Tokenizer | undefined;
  /** How the model is meant to be sampled from. */
  generation: GenerationDefaults;
  /** What was found odd while reading, such as an output matrix that the config says is tied. */
  warnings: readonly string[];
}

export interface SavePretrainedOptions {
  tokenizer?: Tokenizer;
  generation?: GenerationDefaults;
}

/**
 * Opens a model folder.
 * @throws CheckpointError for a missing or damaged file, an architecture that is not known here, or tensors that are not
 * the config's
 * @example
 * const { model, params, tokenizer } = await loadPretrained('runs/align/model');
 */
export async function loadPretrained(folder: string): Promise<Pretrained> {
  const json = await readJson(folder, 'config.json', true);
  const family = json?.model_type;
  if (typeof family !== 'string' || !Object.hasOwn(families, family)) {
    throw new CheckpointError({
      where: join(folder, 'config.json'),
      what: 'this architecture is not known here',
      got: family ?? 'no model_type',
      wanted: Object.keys(families).join(' or '),
    });
  }
  const generationJson = (await readJson(folder, 'generation_config.json')) ?? {};
  const fromFile = families[family as FamilyName].fromHuggingFace(json as Record<string, unknown>);
  const generation = generationDefaults(generationJson);
  // an end token that either file names ends a text
  const eosIds = [...new Set([...fromFile.eosIds, ...(generation.eosIds ?? [])])];
  const padId = generation.padId ?? fromFile.padId;

  const weights = await openSafetensors(folder);
  try {
    const { params, config, warnings } = await readWeights(weights, { ...fromFile, eosIds, padId });
    return {
      model: decoder(config),
      params,
      tokenizer: await loadTokenizer(folder, false),
      generation: { ...generation, eosIds, padId },
      warnings: [...weights.warnings, ...warnings],
    };
  } finally {
    await weights.close();
  }
}

/**
 * Writes a model folder in one piece; one that is there is replaced when the new one is complete.
 * @throws CheckpointError if the folder holds something else than a model, or the disk is full
 */
export async function savePretrained(
  folder: string,
  model: LanguageModel,
  params: Params,
  o: SavePretrainedOptions = {},
): Promise<void> {
  const there = await readdir(folder).catch((): string[] => []);
  if (there.length > 0 && !there.includes('config.json')) {
    throw new CheckpointError({
      where: folder,
      what: 'the folder holds something else than a model',
      got: there.slice(0, 5).join(', '),
      fix: 'Save into a new or empty folder',
    });
  }
  await writeDirectoryAtomic(folder, (temporary) => writeModelFiles(temporary, model, params, o), undefined, {
    replace: true,
  });
}

/** Writes the files of a model folder into a folder that is made complete by the caller (a checkpoint's, for example). */
export async function writeModelFiles(
  folder: string,
  model: LanguageModel,
  params: Params,
  { tokenizer, generation }: SavePretrainedOptions = {},
): Promise<void> {
  const { config } = model;
  const write = (name: string, value: unknown): Promise<number> =>
    writeFileDurable(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
  await mkdir(folder, { recursive: true });
  await writeShardedSafetensors(folder, params);
  await write('config.json', {
    ...families[config.family].toHuggingFace(config),
    dtype: 'float32',
    torch_dtype: 'float32',
  });
  const ids = { eosIds: config.eosIds, padId: config.padId };
  await write('generation_config.json', generationConfigJson({ ...ids, ...generation }, config.bosId));
  if (tokenizer) {
    await write('tokenizer.json', tokenizer.json);
    await write('tokenizer_config.json', tokenizer.config);
  }
}

/**
 * Reads a folder's tokenizer.
 * @throws CheckpointError for a missing or malformed file
 */
export async function loadTokenizer(folder: string): Promise<Tokenizer>;
/**
 * Reads a folder's tokenizer.
 * @param required false: undefined where there is none
 * @throws CheckpointError for a malformed file
 */
export async function loadTokenizer(folder: string, required: boolean): Promise<Tokenizer | undefined>;
export async function loadTokenizer(folder: string, required = true): Promise<Tokenizer | undefined> {
  const json = await readJson(folder, 'tokenizer.json', required);
  if (json === undefined) return undefined;
  return new Tokenizer(json as never, (await readJson(folder, 'tokenizer_config.json')) ?? {});
}

async function readJson(folder: string, name: string, required = false): Promise<Record<string, unknown> | undefined> {
  const where = join(folder, name);
  let text: string;
  try {
    text = await readFile(where, 'utf8');
  } catch (cause) {
    if (!required && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CheckpointError({
      where,
      what: 'the file cannot be read',
      fix: 'A model folder has this file; check the path',
      cause,
    });
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new CheckpointError({ where, what: `not JSON: ${(cause as Error).message}`, cause });
  }
  throw new CheckpointError({ where, what: 'no JSON object', wanted: '{ … }' });
}

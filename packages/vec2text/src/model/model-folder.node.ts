// A trained model as a folder: config.json, model.safetensors, stats.json and the tokenizer's files.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceModelFolder } from '@gimbal/language-models';
import { type FloatDtype, openSafetensors, writeFileDurable, writeShardedSafetensors } from '@gimbal/tensor-core';
import { refusal } from '../internal/refuse.ts';
import { checkFolder, checkModel, checkWriting } from './check-parts.ts';
import {
  assembleModel,
  checkLoading,
  type LoadVec2TextOptions,
  type ModelDescription,
  parseJson,
  readModelFile,
  statsToJson,
} from './model-file.ts';
import { registerModelWriter } from './model-writer.ts';
import type { Vec2Text } from './module.ts';

const modelType = 'gimbal-vec2text';

/**
 * A trained model of a folder, or of the folder `model` in it, as a run's has; of the one file that `encodeVec2Text` made, of its bytes or its address.
 * @throws CheckpointError (`CHECKPOINT`) for what is no such model, a missing or damaged file, a tokenizer of another vocabulary, or
 * a contradiction to the options
 * @example using model = await loadVec2Text('runs/vec2text-1/model');
 */
export async function loadVec2Text(from: string | URL | Uint8Array, o: LoadVec2TextOptions = {}): Promise<Vec2Text> {
  checkLoading(o);
  if (typeof from !== 'string' || !(await isFolder(from))) return readModelFile(from, o);
  const [config, stats, tokenizer, tokenizerConfig] = await Promise.all(
    ['config.json', 'stats.json', 'tokenizer.json', 'tokenizer_config.json'].map((name) => readJson(from, name)),
  );
  const type = (config as { model_type?: string } | null | undefined)?.model_type;
  if (type !== modelType && (await isFolder(join(from, 'model')))) return loadVec2Text(join(from, 'model'), o);
  if (type !== modelType) {
    const got = config === undefined ? 'no config.json' : type;
    const fix = 'Give the folder that gimbal vec2text train or saveVec2Text wrote';
    throw refusal('CHECKPOINT', {
      where: from,
      what: 'the folder holds no vec2text model',
      got,
      wanted: modelType,
      fix,
    });
  }
  const { model_type: _, ...sizes } = config as ModelDescription['config'] & { model_type: string };
  const file = await openSafetensors(from);
  try {
    const rest = { stats, tokenizer, tokenizerConfig: tokenizerConfig ?? {} } as Omit<ModelDescription, 'config'>;
    return await assembleModel(file, { config: sizes, ...rest }, o, (part) => join(from, `${part}.json`));
  } finally {
    await file.close();
  }
}

/**
 * Writes a model's folder in one piece; only another model's is replaced.
 * @param o.dtype of the weights (F32)
 * @throws CheckpointError if the folder holds something else, or the disk is full; ConfigError (`CONFIG`) for what is no path, no
 * model or no dtype
 */
export async function saveVec2Text(folder: string, model: Vec2Text, o: { dtype?: FloatDtype } = {}): Promise<void> {
  checkFolder('saveVec2Text.folder', folder);
  checkModel('saveVec2Text.model', model);
  checkWriting('saveVec2Text', o);
  await replaceModelFolder(folder, (temporary) => writeVec2TextFiles(temporary, model, o));
}

/** Writes the files into a folder that its caller makes complete. */
async function writeVec2TextFiles(
  folder: string,
  { module, params, tokenizer, stats }: Vec2Text,
  o: { dtype?: FloatDtype } = {},
): Promise<void> {
  await writeShardedSafetensors(folder, params, o);
  const files = {
    'config.json': { model_type: modelType, ...module.config },
    'stats.json': statsToJson(stats),
    'tokenizer.json': tokenizer.json,
    'tokenizer_config.json': tokenizer.config,
  };
  for (const [name, value] of Object.entries(files))
    await writeFileDurable(join(folder, name), `${JSON.stringify(value, null, 2)}\n`);
}

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

async function readJson(folder: string, name: string): Promise<unknown> {
  const path = join(folder, name);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw refusal('CHECKPOINT', { where: path, what: 'the file cannot be read', cause });
  }
  return parseJson(path, text);
}

registerModelWriter(writeVec2TextFiles);

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
import type { DecoderConfig } from '../decoder/config.ts';
import type { LanguageModel } from '../decoder/decoder.ts';
import { families } from '../decoder/families/index.ts';
import { loadGguf, loadGgufConfig, loadGgufTokenizer } from '../gguf/gguf.node.ts';
import type { GgufOptions } from '../gguf/read-gguf.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { configText } from './config-text.ts';
import { type FileDtype, fileDtypes, sourceDtype } from './file-dtype.ts';
import { type GenerationDefaults, generationConfigJson } from './generation-config.ts';
import { type HubOptions, localModel } from './hub.node.ts';
import { registerModelWriter } from './model-writer.ts';
import {
  isTemplateApart,
  type ModelSource,
  type Pretrained,
  readDescription,
  readPretrained,
  readTokenizer,
} from './read-pretrained.ts';

/** What a model folder holds beside the model. */
export interface SavePretrainedOptions {
  /**
   * How weights are written (as the folder held them that the model was read from; float32 for others). The 16-bit types lose
   * what training changed by less than 2^−8 of a weight.
   */
  dtype?: FileDtype;
  /** Tensors of one file hold at most so many bytes (2 GiB); more go into shards with an index. */
  maxShardBytes?: number;
  /** Written as tokenizer.json and tokenizer_config.json (default: neither is written). */
  tokenizer?: Tokenizer;
  /** Written as generation_config.json (default: sampling at temperature 1 from all tokens). */
  generation?: GenerationDefaults;
}

/**
 * Opens a model folder, or a `.gguf` file, or a model by its name on the hub (`owner/name`, `owner/name/file.gguf`), which
 * is downloaded into the cache once: see `downloadModel`. Of a `.gguf` file `weights: 'blocks'` keeps the matrices as they
 * are in it.
 * @throws CheckpointError for a missing or damaged file, an architecture that is not known here, or tensors that are not
 * the config's
 * @example
 * const { model, params, tokenizer } = await loadPretrained('runs/align/model');
 */
export async function loadPretrained(path: string, o?: HubOptions & GgufOptions): Promise<Pretrained> {
  const folder = await localModel(path, o);
  return folder.endsWith('.gguf') ? loadGguf(folder, o) : readPretrained(folderSource(folder));
}

/**
 * Reads what a model is, without its weights; an output matrix that is stored although the config ties it is not seen.
 * @param path as `loadPretrained` takes it
 * @throws CheckpointError for a missing or damaged file, or an architecture that is not known here
 * @example const { contextLength } = await loadConfig('runs/align/model');
 */
export async function loadConfig(path: string, o?: HubOptions): Promise<DecoderConfig> {
  const folder = await localModel(path, o);
  return folder.endsWith('.gguf') ? loadGgufConfig(folder) : (await readDescription(folderSource(folder))).config;
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
  await replaceModelFolder(folder, (temporary) =>
    writeModelFiles(temporary, model, params, { dtype: sourceDtype(model), ...o }),
  );
}

/**
 * Writes a model's folder in one piece; only another model's is replaced.
 * @param write writes the files into the folder it is given
 * @throws CheckpointError if the folder holds something else than a model
 */
export async function replaceModelFolder(folder: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const there = await readdir(folder).catch((): string[] => []);
  if (there.length > 0 && !(await describesModel(folder))) {
    throw new CheckpointError({
      where: folder,
      what: 'the folder holds something else than a model',
      got: there.slice(0, 5).join(', '),
      fix: 'Save into a new or empty folder',
    });
  }
  await writeDirectoryAtomic(folder, write, undefined, { replace: true });
}

/** Whether the folder's config.json is a model's: a run of the command line has one too, and is never replaced. */
async function describesModel(folder: string): Promise<boolean> {
  try {
    const config: unknown = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    return typeof config === 'object' && config !== null && ('model_type' in config || 'architectures' in config);
  } catch {
    return false;
  }
}

/** Writes the files of a model folder, in float32 by default, into a folder that is made complete by the caller (a checkpoint's, for example). */
export async function writeModelFiles(
  folder: string,
  model: LanguageModel,
  params: Params,
  { tokenizer, generation, dtype = 'float32', maxShardBytes }: SavePretrainedOptions = {},
): Promise<void> {
  const { config } = model;
  await mkdir(folder, { recursive: true });
  await writeShardedSafetensors(folder, params, {
    dtype: fileDtypes[dtype],
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
  });
  await writeJson(folder, 'config.json', {
    ...families[config.family].toHuggingFace(config),
    dtype,
    torch_dtype: dtype,
  });
  const ids = { eosIds: config.eosIds, padId: config.padId };
  await writeJson(folder, 'generation_config.json', generationConfigJson({ ...ids, ...generation }, config.bosId));
  if (tokenizer) await writeTokenizerFiles(folder, tokenizer);
}

/** Writes one of a model's JSON files. */
export async function writeJson(folder: string, name: string, value: object): Promise<void> {
  const text = name === 'config.json' ? configText(value) : JSON.stringify(value, null, 2);
  await writeFileDurable(join(folder, name), `${text}\n`);
}

/** Writes the files of a tokenizer, its chat template where it was read from. */
export async function writeTokenizerFiles(folder: string, tokenizer: Tokenizer): Promise<void> {
  await writeJson(folder, 'tokenizer.json', tokenizer.json);
  const { chat_template: template, ...rest } = tokenizer.config;
  if (typeof template !== 'string' || !isTemplateApart(tokenizer)) {
    await writeJson(folder, 'tokenizer_config.json', tokenizer.config);
    return;
  }
  await writeJson(folder, 'tokenizer_config.json', rest);
  await writeFileDurable(join(folder, 'chat_template.jinja'), template);
}

/**
 * Reads the tokenizer of a folder or a .gguf file.
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
  const here = await localModel(folder);
  return here.endsWith('.gguf') ? loadGgufTokenizer(here) : readTokenizer(folderSource(here), required);
}

/** The files of a model in a folder. */
export const folderSource = (folder: string): ModelSource => ({
  where: (file) => join(folder, file),
  async text(file) {
    try {
      return await readFile(join(folder, file), 'utf8');
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      throw new CheckpointError({
        where: join(folder, file),
        what: `the file cannot be read (${code})`,
        fix: 'A model folder has this file; check the path',
        cause,
      });
    }
  },
  weights: () => openSafetensors(folder),
});

registerModelWriter(writeModelFiles);

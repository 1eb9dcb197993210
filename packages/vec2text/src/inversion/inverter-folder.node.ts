// An inverter as a folder: config.json, a file of weights a stage, and the tokenizer's files.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceModelFolder } from '@gimbal/language-models';
import { disposeTree, encodeSafetensors, openSafetensors, type Params, writeFileDurable } from '@gimbal/tensor-core';
import { refusal } from '../internal/refuse.ts';
import { checkFolder, checkShapes, madeOf, tokenizerOf } from '../model/check-parts.ts';
import { type InverterConfig, inverterConfig } from './config.ts';
import { checkIsEmbedder, type Embedder } from './embedder.ts';
import { checkEmbedder, type Inverter, makeInverter } from './inverter.ts';
import { inverterSpecs, type Stage } from './models.ts';
import { checkInverterTokenizer } from './special-ids.ts';
import type { EmbeddingSpread } from './spread.ts';

const modelType = 'gimbal-inverter';

/** What config.json says. */
interface Description extends InverterConfig {
  model_type: typeof modelType;
  embedder: Pick<Embedder, 'name' | 'dim' | 'hash'>;
  stages: Stage[];
}

/**
 * Writes an inverter's folder in one piece; the embedder is not in it, but what tells it from others is.
 * @throws CheckpointError if the folder holds something else, or the disk is full; ConfigError (`CONFIG`) for an embedder that
 * could not be told from others
 */
export async function saveInverter(
  folder: string,
  inverter: Omit<Inverter, 'dispose' | typeof Symbol.dispose>,
): Promise<void> {
  checkFolder('saveInverter.folder', folder);
  checkIsEmbedder('saveInverter.embedder', inverter?.embedder);
  await replaceModelFolder(folder, async (temporary) => {
    const { config, embedder, tokenizer, hypothesizer, corrector, spread } = inverter;
    const { name, dim, hash } = embedder;
    const trees = { hypothesizer, ...(corrector && { corrector }) };
    for (const [stage, params] of Object.entries(trees))
      await writeFileDurable(join(temporary, `${stage}.safetensors`), await encodeSafetensors(params));
    const files = {
      'config.json': { model_type: modelType, ...config, embedder: { name, dim, hash }, stages: Object.keys(trees) },
      ...(spread && { 'spread.json': spread }),
      'tokenizer.json': tokenizer.json,
      'tokenizer_config.json': tokenizer.config,
    };
    for (const [file, value] of Object.entries(files))
      await writeFileDurable(join(temporary, file), `${JSON.stringify(value, null, 2)}\n`);
  });
}

/**
 * Reads an inverter back.
 * @param embedder the one of training, told by its hash
 * @throws CheckpointError (`CHECKPOINT`) for what is no such folder, a missing or damaged file, weights or a tokenizer of other
 * sizes; ConfigError (`EMBEDDER_MISMATCH`, or `CONFIG` without an embedder)
 */
export async function loadInverter(folder: string, embedder: Embedder): Promise<Inverter> {
  checkFolder('loadInverter.folder', folder);
  checkIsEmbedder('loadInverter.embedder', embedder);
  const read = async <T>(name: string): Promise<T> => {
    try {
      return JSON.parse(await readFile(join(folder, name), 'utf8')) as T;
    } catch (cause) {
      throw refusal('CHECKPOINT', { where: join(folder, name), what: 'the inverter’s file cannot be read', cause });
    }
  };
  const description = (await read<Partial<Description> | null>('config.json')) ?? {};
  const { model_type, embedder: wanted, stages, ...sizes } = description as Description;
  if (model_type !== modelType)
    throw refusal('CHECKPOINT', {
      where: folder,
      what: 'the folder holds no inverter',
      got: model_type,
      wanted: modelType,
    });
  const damaged = (file: string, what: string): Error =>
    refusal('CHECKPOINT', { where: join(folder, file), what, fix: 'The file is damaged: copy it again' });
  if (typeof wanted !== 'object' || wanted === null || !Array.isArray(stages))
    throw damaged('config.json', 'it does not say whose vectors are inverted, or by which stages');
  if (!stages.includes('hypothesizer') || stages.some((stage) => !isStage(stage)))
    throw damaged('config.json', `its stages are ${JSON.stringify(stages)}: no hypothesizer, or what is no stage`);
  checkEmbedder(`inverter ${folder}`, embedder, wanted);
  const config = madeOf(join(folder, 'config.json'), () => inverterConfig(sizes));
  if (config.embeddingDim !== wanted.dim)
    throw damaged('config.json', 'embeddingDim is not the width of the embedder’s vectors');
  const tokenizer = tokenizerOf(
    join(folder, 'tokenizer.json'),
    await read('tokenizer.json'),
    await read('tokenizer_config.json'),
  );
  checkInverterTokenizer(folder, tokenizer, config);
  const weights = async (stage: Stage): Promise<Params> => {
    const path = join(folder, `${stage}.safetensors`);
    const file = await openSafetensors(path);
    try {
      const params = await file.params();
      try {
        checkShapes(path, params, inverterSpecs(config, stage));
      } catch (error) {
        disposeTree(params);
        throw error;
      }
      return params;
    } finally {
      await file.close();
    }
  };
  const hasSpread = (await readdir(folder)).includes('spread.json'); // those of earlier versions have none
  const spread = hasSpread ? await read<EmbeddingSpread>('spread.json') : undefined;
  if (spread && ![spread.mean, spread.std].every((x) => Array.isArray(x) && x.length === wanted.dim))
    throw damaged('spread.json', 'it has no mean and deviation of each coordinate');
  if (spread && ![spread.farthest, ...(spread.norms ?? [Number.NaN])].every(Number.isFinite))
    throw damaged('spread.json', 'it has no distances');
  const hypothesizer = await weights('hypothesizer');
  try {
    const corrector = stages.includes('corrector') ? await weights('corrector') : undefined;
    return makeInverter({ config, embedder, tokenizer, hypothesizer, corrector, ...(spread && { spread }) });
  } catch (error) {
    disposeTree(hypothesizer);
    throw error;
  }
}

const isStage = (name: unknown): name is Stage => name === 'hypothesizer' || name === 'corrector';

// Encoders and classifiers as folders, in Node.
import { mkdir } from 'node:fs/promises';
import { type Params, writeShardedSafetensors } from '@gimbal/tensor-core';
import { type Classifier, isEncoderConfig } from '../classification/classifier.ts';
import { families } from '../decoder/families/index.ts';
import { traits } from '../decoder/families/traits.ts';
import type { EncoderFamilyName } from '../encoder/config.ts';
import type { Encoder } from '../encoder/encoder.ts';
import { encoderToJson } from '../encoder/huggingface.ts';
import { prefixOf } from '../encoder/parameters.ts';
import { fileDtypes, sourceDtype } from './file-dtype.ts';
import { type HubOptions, localModel } from './hub.node.ts';
import { registerClassifierWriter } from './model-writer.ts';
import {
  folderSource,
  replaceModelFolder,
  type SavePretrainedOptions,
  writeJson,
  writeTokenizerFiles,
} from './pretrained.node.ts';
import {
  type ClassifierReadOptions,
  type PretrainedClassifier,
  type PretrainedEncoder,
  problemToJson,
  readClassifier,
  readEncoder,
} from './read-encoder.ts';

const classNames: Readonly<Record<EncoderFamilyName, string>> = {
  bert: 'Bert',
  roberta: 'Roberta',
  'xlm-roberta': 'XLMRoberta',
  'deberta-v2': 'DebertaV2',
};

/**
 * Opens the folder of an encoder, or one by its name on the hub: BERT, RoBERTa, DeBERTa-v2 or -v3, or one of sentence-transformers.
 * @throws CheckpointError for a missing or damaged file or an architecture that is not known here, ConfigError for options
 * that cannot be run
 * @example
 * const { model, params, tokenizer, pooling } = await loadEncoder('all-MiniLM-L6-v2');
 * const vectors = await embedTexts(model, params, tokenizer, ['a cat', 'a dog'], pooling);
 */
export const loadEncoder = async (folder: string, o?: HubOptions): Promise<PretrainedEncoder> =>
  readEncoder(folderSource(await localModel(folder, o)));

/**
 * Opens the folder of a classifier, on an encoder or a decoder. A folder without a head, or with `labels` of another
 * number, gets a new one, whose parameters are named in `fresh`.
 * @throws as `loadEncoder`
 */
export const loadClassifier = async (
  folder: string,
  o?: ClassifierReadOptions & HubOptions,
): Promise<PretrainedClassifier> => readClassifier(folderSource(await localModel(folder, o)), o);

/** Writes the folder of an encoder in one piece; transformers and sentence-transformers open it. */
export async function saveEncoder(
  folder: string,
  model: Encoder,
  params: Params,
  { tokenizer, dtype = sourceDtype(model), maxShardBytes }: Omit<SavePretrainedOptions, 'generation'> = {},
): Promise<void> {
  const { config } = model;
  await replaceModelFolder(folder, async (temporary) => {
    await mkdir(temporary, { recursive: true });
    // a body alone has no prefix there
    await writeShardedSafetensors(temporary, params[prefixOf(config)] as Params, {
      dtype: fileDtypes[dtype],
      ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
    });
    const architectures = [`${classNames[config.family]}Model`];
    await writeJson(temporary, 'config.json', { architectures, ...encoderToJson(config), dtype, torch_dtype: dtype });
    if (tokenizer) await writeTokenizerFiles(temporary, tokenizer);
  });
}

/** Writes the folder of a classifier in one piece. */
export async function saveClassifier(
  folder: string,
  model: Classifier,
  params: Params,
  o: Omit<SavePretrainedOptions, 'generation'> = {},
): Promise<void> {
  await replaceModelFolder(folder, (temporary) =>
    writeClassifierFiles(temporary, model, params, { dtype: sourceDtype(model), ...o }),
  );
}

/** Writes the files of a classifier into a folder that its caller makes complete. */
async function writeClassifierFiles(
  folder: string,
  model: Classifier,
  params: Params,
  { tokenizer, dtype = 'float32', maxShardBytes }: Omit<SavePretrainedOptions, 'generation'> = {},
): Promise<void> {
  const { config, labels, problem } = model;
  await mkdir(folder, { recursive: true });
  await writeShardedSafetensors(folder, params, {
    dtype: fileDtypes[dtype],
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
  });
  const body = isEncoderConfig(config) ? encoderToJson(config) : families[config.family].toHuggingFace(config);
  const name = isEncoderConfig(config)
    ? classNames[config.family]
    : config.family === 'gpt2'
      ? 'GPT2'
      : traits[config.family].architecture.replace(/ForCausalLM$/, '').replace(/^Gemma3$/, 'Gemma3Text');
  await writeJson(folder, 'config.json', {
    ...body,
    architectures: [`${name}ForSequenceClassification`],
    id2label: Object.fromEntries(labels.entries()),
    label2id: Object.fromEntries(labels.map((label, i) => [label, i])),
    problem_type: problemToJson(problem),
    dtype,
    torch_dtype: dtype,
  });
  if (tokenizer) await writeTokenizerFiles(folder, tokenizer);
}

registerClassifierWriter(writeClassifierFiles);

// Encoder-decoders as folders, in Node.
import { mkdir } from 'node:fs/promises';
import { type Params, writeShardedSafetensors } from '@gimbal/tensor-core';
import { seq2seqToJson } from '../seq2seq/huggingface.ts';
import type { Seq2SeqModel } from '../seq2seq/seq2seq.ts';
import { fileDtypes, sourceDtype } from './file-dtype.ts';
import { generationConfigJson } from './generation-config.ts';
import { type HubOptions, localModel } from './hub.node.ts';
import { registerSeq2SeqWriter } from './model-writer.ts';
import {
  folderSource,
  replaceModelFolder,
  type SavePretrainedOptions,
  writeJson,
  writeTokenizerFiles,
} from './pretrained.node.ts';
import { type PretrainedSeq2Seq, readSeq2Seq } from './read-seq2seq.ts';

/**
 * Opens the folder of an encoder-decoder, or one by its name on the hub: T5, T5 v1.1 or Flan-T5.
 * @throws CheckpointError for a missing or damaged file or an architecture that is not known here, ConfigError for options
 * that cannot be run
 * @example
 * const { model, params, tokenizer } = await loadSeq2Seq('flan-t5-small');
 * const [{ text }] = await generate(model, params, tokenizer, ['translate to German: cat'], { temperature: 0, rng: rng(0) });
 */
export const loadSeq2Seq = async (folder: string, o?: HubOptions): Promise<PretrainedSeq2Seq> =>
  readSeq2Seq(folderSource(await localModel(folder, o)));

/**
 * Writes the folder of an encoder-decoder in one piece; transformers opens it.
 * @throws CheckpointError if the folder holds something else than a model, or the disk is full
 */
export async function saveSeq2Seq(
  folder: string,
  model: Seq2SeqModel,
  params: Params,
  o: SavePretrainedOptions = {},
): Promise<void> {
  await replaceModelFolder(folder, (temporary) =>
    writeSeq2SeqFiles(temporary, model, params, { dtype: sourceDtype(model), ...o }),
  );
}

/** Writes the files into a folder that its caller makes complete. */
async function writeSeq2SeqFiles(
  folder: string,
  model: Seq2SeqModel,
  params: Params,
  { tokenizer, generation, dtype = 'float32', maxShardBytes }: SavePretrainedOptions = {},
): Promise<void> {
  const { config } = model;
  await mkdir(folder, { recursive: true });
  await writeShardedSafetensors(folder, params, {
    dtype: fileDtypes[dtype],
    ...(maxShardBytes === undefined ? {} : { maxShardBytes }),
  });
  await writeJson(folder, 'config.json', { ...seq2seqToJson(config), dtype, torch_dtype: dtype });
  const ids = { eosIds: config.eosIds, padId: config.padId };
  await writeJson(folder, 'generation_config.json', {
    ...generationConfigJson({ ...ids, temperature: 0, ...generation }),
    decoder_start_token_id: config.startId,
  });
  if (tokenizer) await writeTokenizerFiles(folder, tokenizer);
}

registerSeq2SeqWriter(writeSeq2SeqFiles);

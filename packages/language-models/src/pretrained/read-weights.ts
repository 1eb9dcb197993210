// From the tensors of a checkpoint to a parameter tree: names brought into one form, everything that the config asks for
// present with its shape, and nothing unknown left over.
import type { Params, WeightFile } from '@gimbal/tensor-core';
import type { DecoderConfig } from '../decoder/config.ts';
import { families } from '../decoder/families/index.ts';
import { readTensors } from './read-tensors.ts';

const head = 'lm_head.weight';

/** Buffers that old files hold and that are computed here: causal masks and rotary frequencies. */
const buffer = /(?:\.attn\.(?:masked_)?bias|rotary_emb\.inv_freq)$/;

export interface ReadWeights {
  /** The caller disposes the tree. */
  params: Params;
  /** The config as the tensors say it is: an output matrix in the file counts, whatever the config says of tying. */
  config: DecoderConfig;
  warnings: string[];
}

/**
 * Reads the parameters of a decoder.
 * - An output matrix of its own is used even where the config ties it to the embedding (with a warning, if they differ).
 * - Where only the output matrix is stored and the config ties them, it is the embedding too.
 * @throws CheckpointError listing tensors that are missing, unknown or of another shape
 */
export async function readWeights(file: WeightFile, config: DecoderConfig): Promise<ReadWeights> {
  const family = families[config.family];
  // our name of each stored tensor
  const stored = new Map<string, string>();
  for (const name of file.names) {
    if (buffer.test(name)) continue;
    stored.set(name === head || name.startsWith(family.prefix) ? name : family.prefix + name, name);
  }

  const warnings: string[] = [];
  const [embedding, output] = [stored.get(family.embeddingPath), stored.get(head)];
  let tied = config.tieEmbeddings;
  if (tied && output !== undefined) {
    if (embedding === undefined) stored.set(family.embeddingPath, output);
    else if (!(await sameValues(file, embedding, output))) {
      tied = false;
      warnings.push(
        `${file.name}: the config ties ${head} to the embedding, but the file holds two that differ; both are used`,
      );
    }
    if (tied) stored.delete(head);
  }
  const found: DecoderConfig = { ...config, tieEmbeddings: tied };

  const { params } = await readTensors(file, stored, family.parameters(found), { family: config.family });
  return { params, config: found, warnings };
}

/** Whether two tensors of a file are equal. */
export async function sameValues(file: WeightFile, a: string, b: string): Promise<boolean> {
  if (`${file.entry(a).shape}` !== `${file.entry(b).shape}`) return false;
  const [x, y] = [await file.values(a), await file.values(b)];
  return x.every((value, i) => value === y[i]);
}

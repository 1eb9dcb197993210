// From the tensors of a checkpoint to a parameter tree: names brought into one form, everything that the config asks for
// present with its shape, and nothing unknown left over.
import { CheckpointError, type Params, unflatten, type WeightFile } from '@gimbal/tensor-core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { DecoderConfig } from '../decoder/config.ts';
import { families } from '../decoder/families/index.ts';

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

  const specs = family.parameters(found);
  const wanted = new Set(specs.map((s) => s.path));
  const problems = [
    ...specs.flatMap(({ path, shape }) => {
      const name = stored.get(path);
      if (name === undefined) return [`missing ${path} [${shape}]`];
      const got = file.entry(name).shape;
      return `${got}` === `${shape}` ? [] : [`${path} is [${got}], wanted [${shape}]`];
    }),
    ...[...stored.keys()].filter((path) => !wanted.has(path)).map((path) => `unknown ${path}`),
  ];
  if (problems.length > 0) {
    const more = problems.length > 8 ? `, and ${problems.length - 8} more` : '';
    throw new CheckpointError({
      where: file.name,
      what: `the tensors are not those of this ${config.family} config: ${problems.slice(0, 8).join('; ')}${more}`,
      got: `${stored.size} tensors`,
      wanted: `${specs.length} tensors`,
      fix: 'Check that config.json belongs to the weights',
    });
  }

  const leaves: [string, Tensor][] = [];
  try {
    for (const { path } of specs) leaves.push([path, await file.tensor(stored.get(path) as string)]);
  } catch (error) {
    for (const [, tensor] of leaves) tensor.dispose();
    throw error;
  }
  return { params: unflatten(leaves), config: found, warnings };
}

async function sameValues(file: WeightFile, a: string, b: string): Promise<boolean> {
  if (`${file.entry(a).shape}` !== `${file.entry(b).shape}`) return false;
  const [x, y] = [await file.values(a), await file.values(b)];
  return x.every((value, i) => value === y[i]);
}

// A model whose matrices are held in 8 or 4 bits, to generate with.
import { blockWeight, ConfigError, flatten, type Params, refuseNonFinite, unflatten } from '@gimbal/tensor-core';
import { clone, type Tensor } from '@tensorflow/tfjs-core';
import type { LanguageModel } from '../decoder/decoder.ts';
import { families } from '../decoder/families/index.ts';
import { blockCodes } from './codes.ts';
import { quantize } from './quantize.ts';

/** Types that weights are held in, as GGUF names them: 8 or 4 bits, groups of 32 with a float16 scale. */
export type QuantizedType = 'Q8_0' | 'Q4_0';

/**
 * The tree with its matrices in blocks (`blockWeight`): a quarter or a seventh of the memory, and a generation of few rows
 * that is as much faster as it reads less. `Q4_0` leaves the embedding and the output matrix 8 bits. Rows that do not fill
 * whole groups stay float32.
 * @returns a tree of its own that the caller disposes; it rounds like `saveGguf`
 * @throws ConfigError for another type, or GPT-2, whose matrices are stored [in, out], CheckpointError for weights that are no finite numbers, ShapeError for those whose
 * scale is beyond float16
 */
export async function quantizeWeights(model: LanguageModel, params: Params, type: QuantizedType): Promise<Params> {
  if (type !== 'Q8_0' && type !== 'Q4_0') {
    throw new ConfigError({ where: 'quantizeWeights', what: 'unknown type', got: type, wanted: 'Q8_0 or Q4_0' });
  }
  const family = families[model.config.family];
  if (model.config.family === 'gpt2') {
    const what = 'GPT-2’s matrices are stored [in, out] and stay float32';
    throw new ConfigError({ where: 'quantizeWeights', what, got: 'gpt2', wanted: 'a family stored [out, in]' });
  }
  const typeOf = (path: string, { rank, shape }: Tensor): QuantizedType | undefined => {
    if (rank !== 2 || (shape[1] as number) % 32 !== 0) return undefined;
    if (path === family.embeddingPath || path === 'lm_head.weight') return 'Q8_0';
    return family.weightLayout(path) === 'out-in' ? type : undefined;
  };
  const leaves: [string, Tensor][] = [];
  try {
    for (const [path, weight] of flatten(params)) {
      const t = typeOf(path, weight);
      const values = t && ((await weight.data()) as Float32Array);
      if (values) refuseNonFinite(values, 'quantizeWeights', path); // they would become zeros
      const shape = weight.shape as [number, number];
      leaves.push([path, values ? blockWeight({ ...blockCodes(quantize(values, t), t), shape }) : clone(weight)]);
    }
  } catch (error) {
    for (const [, t] of leaves) t.dispose();
    throw error;
  }
  return unflatten(leaves);
}

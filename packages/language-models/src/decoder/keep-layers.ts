/** A shallower decoder made of some of another's blocks: where a student of it starts. */
import { ConfigError, flatten, type Params, unflatten } from '@gimbal/tensor-core';
import { clone, type Tensor } from '@tensorflow/tfjs-core';
import { decoder, type LanguageModel } from './decoder.ts';

/** The number of the block that a parameter belongs to. */
const blockOf = /^((?:model\.layers|transformer\.h)\.)(\d+)(?=\.)/;

/**
 * A decoder of some blocks of `model`, with everything around them: its embedding, last norm and head.
 * @param params of `model`; not disposed
 * @param layers which blocks, counted from 0, in the order in which they are to stand
 * @returns the decoder and its parameters, which the caller disposes; they share `params`' numbers until either changes
 * @throws ConfigError where there is no such block, or none is kept
 * @example
 * const student = keepLayers(model, params, [0, 3, 6, 9]);
 */
export function keepLayers(
  model: LanguageModel,
  params: Params,
  layers: readonly number[],
): { model: LanguageModel; params: Params } {
  const { config } = model;
  if (layers.length === 0 || layers.some((i) => !Number.isInteger(i) || i < 0 || i >= config.layers))
    throw new ConfigError({
      where: 'keepLayers',
      what: 'no such blocks',
      got: [...layers],
      wanted: `at least one of 0 to ${config.layers - 1}`,
    });
  const { slidingLayers } = config;
  const kept = decoder({
    ...config,
    layers: layers.length,
    ...(slidingLayers && { slidingLayers: layers.map((i) => slidingLayers[i] as boolean) }),
  });
  const leaves = new Map(flatten(params));
  return {
    model: kept,
    params: unflatten(
      kept.parameters.map(({ path }): [string, Tensor] => {
        const from = path.replace(blockOf, (_, front: string, i: string) => `${front}${layers[Number(i)]}`);
        const leaf = leaves.get(from);
        if (leaf === undefined)
          throw new ConfigError({
            where: 'keepLayers',
            what: `the parameters lack ${from}`,
            fix: 'Pass the model’s own',
          });
        return [path, clone(leaf)];
      }),
    ) as Params,
  };
}

// The sizes of blocks by the flags, of a model and of an inverter.
import { refuseGiven } from '../options/refuse-given.ts';
import type { Vec2TextContext, Vec2TextFlags } from './options.ts';

/** Of both stacks, each with a number of blocks of its own where one is given. */
export const blockSizes = (o: Vec2TextFlags) => ({
  ...{ width: o.width, ffn: o.ffn ?? 2 * o.width, heads: o.heads },
  ...{ encoderLayers: o.encoderLayers ?? o.layers, decoderLayers: o.decoderLayers ?? o.layers },
});

/** @throws ConfigError for --layers of stacks that both have their own */
export function refuseIdleLayers(where: string, { options, given }: Pick<Vec2TextContext, 'options' | 'given'>): void {
  if (options.encoderLayers === undefined || options.decoderLayers === undefined) return;
  refuseGiven(where, given, ['layers'], '--encoder-layers and --decoder-layers say it for both');
}

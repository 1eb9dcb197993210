// The sizes of a bottleneck encoder-decoder.
import { checkKnown, checkName } from '../internal/check-names.ts';
import { checkSize, checkThat } from '../space/check-size.ts';
import { type SpaceKind, spaceKinds } from '../space/control-space.ts';

/** What a model is; saved with it. */
export interface Vec2TextConfig {
  /** V: rows of the embedding, the tokenizer's `size`. */
  vocabSize: number;
  /** d: width of the stream. */
  width: number;
  /** Inside the MLPs. */
  ffn: number;
  /** Attention heads. */
  heads: number;
  /** Blocks of the encoder. */
  encoderLayers: number;
  /** Blocks of the decoder. */
  decoderLayers: number;
  /** k: coordinates of a code. */
  controlDim: number;
  /** M: vectors that a code becomes, which the decoder attends to. */
  memorySlots: number;
  /** L: longest text in tokens, the end token included. */
  maxLength: number;
  /** Where codes live. */
  space: SpaceKind;
  /** Fills up rows. */
  padId: number;
  /** What the decoder begins with. */
  bosId: number;
  /** Ends a text. */
  eosId: number;
  /** Stands for a blanked word in the input. */
  maskId: number;
  /** Whether the bottleneck also learns a deviation by coordinate, for training as a variational autoencoder (`free` only). */
  variational: boolean;
}

/** What is used where nothing is given: the toy model of the reproduction. */
export const vec2textDefaults = {
  width: 64,
  ffn: 128,
  heads: 4,
  encoderLayers: 1,
  decoderLayers: 1,
  controlDim: 32,
  memorySlots: 4,
  maxLength: 18,
  space: 'box',
  padId: 0,
  bosId: 1,
  eosId: 2,
  maskId: 3,
  variational: false,
} as const satisfies Omit<Vec2TextConfig, 'vocabSize'>;

/** The names of all sizes. */
export const configNames: readonly string[] = ['vocabSize', ...Object.keys(vec2textDefaults)];

/**
 * Fills in the defaults and checks every number.
 * @throws ConfigError (`CONFIG`) for one that does not fit the others, or an unknown option
 */
export function vec2textConfig(options: Partial<Vec2TextConfig> & { vocabSize: number }): Vec2TextConfig {
  const c: Vec2TextConfig = { ...vec2textDefaults, ...options };
  checkKnown('vec2text', options, configNames);
  for (const name of ['vocabSize', 'width', 'ffn', 'heads', 'encoderLayers', 'decoderLayers'] as const)
    checkSize(`vec2text.${name}`, c[name]);
  checkName('vec2text.space', c.space, spaceKinds);
  checkSize('vec2text.controlDim', c.controlDim, c.space === 'sphere' ? 2 : 1);
  checkSize('vec2text.memorySlots', c.memorySlots);
  checkSize('vec2text.maxLength', c.maxLength, 2);
  checkThat('vec2text.width', c.width % c.heads === 0, c.width, `a multiple of heads, ${c.heads}`);
  const special = { padId: c.padId, bosId: c.bosId, eosId: c.eosId, maskId: c.maskId };
  const ids = Object.values(special);
  for (const [name, id] of Object.entries(special)) {
    checkThat(
      `vec2text.${name}`,
      Number.isSafeInteger(id) && id >= 0 && id < c.vocabSize,
      id,
      `0 to ${c.vocabSize - 1}`,
    );
    checkThat(`vec2text.${name}`, ids.indexOf(id) === ids.lastIndexOf(id), special, 'four different tokens');
  }
  checkThat(
    'vec2text.variational',
    !c.variational || c.space === 'free',
    c.space,
    'the space free, as the prior is normal',
  );
  return c;
}

// The sizes of an inverter.
import { checkKnown } from '../internal/check-names.ts';
import { type Vec2TextConfig, vec2textConfig, vec2textDefaults } from '../model/config.ts';
import { checkSize } from '../space/check-size.ts';

/** What an inverter's two models are; saved with them. */
export interface InverterConfig
  extends Pick<
    Vec2TextConfig,
    | 'vocabSize'
    | 'width'
    | 'ffn'
    | 'heads'
    | 'encoderLayers'
    | 'decoderLayers'
    | 'maxLength'
    | 'padId'
    | 'bosId'
    | 'eosId'
    | 'maskId'
  > {
  /** D: numbers of the embedder's vectors. */
  embeddingDim: number;
  /** R: pseudo-tokens that a vector becomes. */
  embeddingTokens: number;
}

const { space: _, controlDim: __, memorySlots: ___, variational: ____, ...sizes } = vec2textDefaults;

/** What is used where nothing is given. */
export const inverterDefaults = { ...sizes, embeddingTokens: 16 } as const satisfies Omit<
  InverterConfig,
  'vocabSize' | 'embeddingDim'
>;

/** Options of an inverter's models. */
export type InverterOptions = Partial<InverterConfig> & Pick<InverterConfig, 'vocabSize' | 'embeddingDim'>;

/** Fills in the defaults and checks every number. @throws ConfigError (`CONFIG`) */
export function inverterConfig(options: InverterOptions): InverterConfig {
  checkKnown('inverter', options, ['vocabSize', 'embeddingDim', ...Object.keys(inverterDefaults)]);
  const { embeddingDim, embeddingTokens = inverterDefaults.embeddingTokens, ...own } = options;
  checkSize('inverter.embeddingDim', embeddingDim);
  checkSize('inverter.embeddingTokens', embeddingTokens);
  const { space, controlDim, memorySlots, variational, ...c } = vec2textConfig(own);
  return { ...c, embeddingDim, embeddingTokens };
}

/** The same for functions that take the autoencoder's blocks. */
export const blockConfig = (c: InverterConfig): Vec2TextConfig => ({
  ...vec2textDefaults,
  vocabSize: c.vocabSize,
  width: c.width,
  ffn: c.ffn,
  heads: c.heads,
  encoderLayers: c.encoderLayers,
  decoderLayers: c.decoderLayers,
  maxLength: c.maxLength,
  padId: c.padId,
  bosId: c.bosId,
  eosId: c.eosId,
  maskId: c.maskId,
});

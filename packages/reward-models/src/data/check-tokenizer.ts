import type { DecoderConfig, EncoderConfig, Tokenizer } from '@gimbal/language-models';
import { ConfigError } from '@gimbal/tensor-core';

/**
 * Checks that model and tokenizer belong together.
 * @returns the longest row in tokens
 * @throws ConfigError where the tokenizer has more tokens than the model, or a length that is out of range
 */
export function checkTokenizer(
  where: string,
  config: EncoderConfig | DecoderConfig,
  tokenizer: Tokenizer,
  maxLength: number | undefined,
): number {
  if (tokenizer.size > config.vocabularySize) {
    throw new ConfigError({
      where,
      what: 'the tokenizer has more tokens than the model',
      got: tokenizer.size,
      wanted: `at most ${config.vocabularySize}`,
      fix: 'Use the tokenizer that the model was trained with',
    });
  }
  const limit = maxLength ?? config.contextLength;
  if (!(Number.isSafeInteger(limit) && limit >= 4 && limit <= config.contextLength)) {
    const wanted = `4 to the model’s context, ${config.contextLength}`;
    throw new ConfigError({ where: `${where}.maxLength`, what: 'out of range', got: limit, wanted });
  }
  return limit;
}

// Prompts as a model reads them: what stands before every text, the prompt, the separator its rows were trained with.
import { frameTokens, padBatch, type Tokenizer } from '@gimbal/language-models';
import type { TextCodec } from '@gimbal/tensor-core';

/**
 * Prompts to tokens, completions to texts.
 * @param whole an encoder reads the prompt: it gets the special tokens of a whole text
 */
export const promptCodec = (tokenizer: Tokenizer, whole = false): TextCodec => ({
  encode: (prompts) =>
    padBatch(
      prompts.map((prompt) => {
        const ids = tokenizer.encodeText(prompt + tokenizer.promptSuffix);
        return whole ? frameTokens(tokenizer, ids).ids : [...tokenizer.begin, ...ids];
      }),
      tokenizer.special.pad ?? 0,
    ),
  decode: (completions) => tokenizer.decode(completions),
});

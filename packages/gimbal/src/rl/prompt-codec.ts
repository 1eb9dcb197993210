// Prompts as a model reads them: what stands before every text, the prompt, the separator its rows were trained with.
import { padBatch, type Tokenizer } from '@gimbal/language-models';
import type { TextCodec } from '@gimbal/tensor-core';

/** Prompts to tokens, completions to texts. */
export const promptCodec = (tokenizer: Tokenizer): TextCodec => ({
  encode: (prompts) =>
    padBatch(
      prompts.map((prompt) => [...tokenizer.begin, ...tokenizer.encodeText(prompt + tokenizer.promptSuffix)]),
      tokenizer.special.pad ?? 0,
    ),
  decode: (completions) => tokenizer.decode(completions),
});

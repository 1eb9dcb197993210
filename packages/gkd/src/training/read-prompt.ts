/** A prompt as a policy reads it. */
import type { LogitPolicy } from '@gimbal/tensor-core';
import { promptIds, type Vocabulary } from '../teachers/vocabulary.ts';
import { described } from './check-options.ts';

/**
 * A decoder goes on from it; an encoder reads it as a whole text, with the special tokens that its tokenizer frames one
 * with.
 */
export function readPrompt(policy: LogitPolicy, tokenizer: Vocabulary, text: string): Int32Array {
  const whole = tokenizer as Vocabulary & {
    encodeText?(text: string, o?: { specialTokens?: boolean }): ArrayLike<number>;
  };
  if (described(policy).readsWholePrompts && whole.encodeText !== undefined)
    return Int32Array.from(whole.encodeText(text + (tokenizer.promptSuffix ?? ''), { specialTokens: true }));
  return Int32Array.from(promptIds(tokenizer, text));
}

/** Which completions a teacher with another tokenizer can read. */
import { padBatch, rowOf } from '@gimbal/language-models';
import type { TokenBatch } from '@gimbal/tensor-core';
import type { Teacher } from './teacher.ts';
import { completionIds, idsOf, promptIds, type Vocabulary } from './vocabulary.ts';

/**
 * A completion's text can be longer in other tokens, too long for the context beside its prompt, or come back changed, as
 * where a tokenizer has no token for a character: stretches of such a text cannot be compared.
 * @param teacher has a `vocabulary`
 * @param prompts as texts, as it reads them
 * @returns of each completion
 */
export function readable(
  teacher: Teacher,
  own: Vocabulary,
  prompts: readonly string[],
  completions: TokenBatch,
): boolean[] {
  const other = teacher.vocabulary as Vocabulary;
  const room = teacher.contextLength ?? Number.POSITIVE_INFINITY;
  return own.decode(completions).map((text, b) => {
    const again = rowOf(completions, b).at(-1) === own.special.eos ? completionIds(other, text) : idsOf(other, text);
    if (promptIds(other, prompts[b] as string).length + again.length > room) return false;
    return (other.decode(padBatch([again], 0))[0] as string).length === text.length;
  });
}

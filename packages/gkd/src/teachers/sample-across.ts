/** Completions of a teacher with another tokenizer, in the student's tokens. */
import { padBatch } from '@gimbal/language-models';
import type { SampleOptions, TokenBatch } from '@gimbal/tensor-core';
import { checkWritten } from './check-answer.ts';
import type { Teacher } from './teacher.ts';
import { idsOf, promptIds, type Vocabulary } from './vocabulary.ts';

/**
 * @param teacher has `sample` and `vocabulary`
 * @param prompts as texts
 * @returns at most `maxNewTokens` of the student's tokens each: what is longer is cut, and has no end
 */
export async function sampleAcross(
  teacher: Teacher,
  own: Vocabulary,
  prompts: readonly string[],
  o: SampleOptions,
): Promise<TokenBatch> {
  const other = teacher.vocabulary as Vocabulary;
  const batch = padBatch(
    prompts.map((prompt) => promptIds(other, prompt)),
    other.special.pad ?? 0,
  );
  // a prompt can be longer in its tokens
  const maxNewTokens = Math.min(o.maxNewTokens, (teacher.contextLength ?? Number.POSITIVE_INFINITY) - batch.width);
  const found = await (teacher.sample as NonNullable<Teacher['sample']>)(batch, { ...o, maxNewTokens });
  const written = checkWritten(found, prompts.length, other.size);
  const whole = other.decode(written).map((text, b) => {
    const ids = idsOf(own, text);
    return written.ended?.[b] === 1 ? [...ids, own.special.eos as number] : ids;
  });
  const rows = whole.map((ids) => ids.slice(0, o.maxNewTokens));
  const ended = Uint8Array.from(rows, (ids, b) => Number(written.ended?.[b] === 1 && ids.length === whole[b]?.length));
  return { ...padBatch(rows, own.special.pad ?? 0), ended };
}

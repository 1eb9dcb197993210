/**
 * Teachers with another tokenizer: the completion's text is read again in their tokens, and stretches of text where both
 * sides have a boundary are compared by the sum of their tokens' log-probabilities (chain rule): log q/p of each stretch
 * is what a sampled reverse KL needs, and no distribution has to be matched with another.
 */
import { padBatch, rowOf } from '@gimbal/language-models';
import { DataError, type TokenBatch } from '@gimbal/tensor-core';
import type { Teacher, TeacherRows } from './teacher.ts';
import { completionIds, idsOf, promptIds, type Vocabulary } from './vocabulary.ts';

/** Text up to and with each token, in UTF-16 units; the end token ends where the text does, one beyond. */
function ends(t: Vocabulary, ids: ArrayLike<number>): number[] {
  const list = Array.from(ids);
  return list.map((id, i) => {
    const batch = padBatch([list.slice(0, i + 1)], 0);
    return (t.decode(batch)[0] as string).length + Number(id === t.special.eos);
  });
}

/**
 * Which stretch each token of either side belongs to: they share their boundaries, and are as short as that allows.
 * @throws DataError where the texts differ in length
 */
export function sharedSpans(a: readonly number[], b: readonly number[]): { a: Int32Array; b: Int32Array } {
  if (a.at(-1) !== b.at(-1))
    throw new DataError({ where: 'alignment', what: 'the texts differ in length', got: b.at(-1), wanted: a.at(-1) });
  const common = new Set(a);
  const shared = [...new Set(b.filter((end) => common.has(end)))].sort((x, y) => x - y);
  const spansOf = (of: readonly number[]): Int32Array =>
    Int32Array.from(of, (end) => shared.findIndex((boundary) => boundary >= end));
  return { a: spansOf(a), b: spansOf(b) };
}

/**
 * Sampled answers of a teacher with another tokenizer: rows are the student's tokens.
 * @param prompts as texts
 */
export async function spanRows(
  teacher: Teacher,
  own: Vocabulary,
  prompts: readonly string[],
  completions: TokenBatch,
  signal: AbortSignal | undefined,
): Promise<TeacherRows> {
  const other = teacher.vocabulary as Vocabulary;
  const texts = own.decode(completions);
  const { eos } = own.special;
  const read = texts.map((text, b) => {
    const ids = rowOf(completions, b);
    return ids.at(-1) === eos ? completionIds(other, text) : idsOf(other, text);
  });
  const batch = padBatch(read, other.special.pad ?? 0);
  const answer = await teacher.score(
    padBatch(
      prompts.map((prompt) => promptIds(other, prompt)),
      other.special.pad ?? 0,
    ),
    batch,
    { want: 'sampled', ...(signal && { signal }) },
  );
  if (!('sampled' in answer)) throw new DataError({ where: 'teacher', what: 'it gave no log-probabilities of tokens' });
  const [sampled, spans]: [number[], number[]] = [[], []];
  let [row, first] = [0, 0];
  for (const [b, ids] of read.entries()) {
    const mine = rowOf(completions, b);
    if (mine.length === 0) continue;
    const aligned = sharedSpans(ends(own, mine), ends(other, ids));
    const totals = new Map<number, number>();
    for (const span of aligned.b) totals.set(span, (totals.get(span) ?? 0) + (answer.sampled[row++] as number));
    const counts = new Map<number, number>();
    for (const span of aligned.a) counts.set(span, (counts.get(span) ?? 0) + 1);
    for (const span of aligned.a) {
      sampled.push((totals.get(span) ?? 0) / (counts.get(span) as number));
      spans.push(first + span);
    }
    first += aligned.a.length;
  }
  return { sampled: Float32Array.from(sampled), spans: Int32Array.from(spans) };
}

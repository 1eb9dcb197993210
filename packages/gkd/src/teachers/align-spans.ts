/**
 * Teachers with another tokenizer: the completion's text is read again in their tokens, and stretches of text where both
 * sides have a boundary are compared by the sum of their tokens' log-probabilities (chain rule): log q/p of each stretch
 * is what a sampled reverse KL needs, and no distribution has to be matched with another.
 */
import { padBatch, rowOf } from '@gimbal/language-models';
import { DataError, type TokenBatch } from '@gimbal/tensor-core';
import { checkAnswer } from './check-answer.ts';
import type { Teacher, TeacherRows } from './teacher.ts';
import { completionIds, idsOf, promptIds, tokenizerHash, type Vocabulary } from './vocabulary.ts';

/** Half of a character: bytes that are none yet are read as this. */
const partial = '\uFFFD';

/** Text up to and with each token, in UTF-16 units; the end token ends where the text does, one beyond. */
interface Places {
  ends: number[];
  /** tokens that add no text, such as fillers: no stretch has them */
  silent: boolean[];
}

function placesOf(t: Vocabulary, ids: ArrayLike<number>): Places {
  const list = Array.from(ids);
  const texts = list.map((_, i) => t.decode(padBatch([list.slice(0, i + 1)], 0))[0] as string);
  const ends = texts.map((text, i) => text.length + Number(list[i] === t.special.eos));
  // inside of a character there is no boundary: both sides could be at different bytes of it
  for (let i = ends.length - 2; i >= 0; i--) if (texts[i]?.endsWith(partial)) ends[i] = ends[i + 1] as number;
  const silent = texts.map(
    (text, i) => list[i] !== t.special.eos && text === (texts[i - 1] ?? '') && !text.endsWith(partial),
  );
  return { ends, silent };
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

/** Completions as both sides read them, and the stretches that they share. */
interface Aligned {
  /** prompts and completions in the teacher's tokens */
  prompts: TokenBatch;
  completions: TokenBatch;
  /** number of the stretch of each of the student's tokens `[R]`, counted through the batch; −1: it has no text */
  own: Int32Array;
  /** the same of each of the teacher's `[R']` */
  other: Int32Array;
  /** how many there are */
  stretches: number;
}

/**
 * Reads the student's completions in a teacher's tokens.
 * @param prompts as texts
 * @throws DataError where the teacher's tokenizer does not give a text back
 */
export function alignBatch(
  own: Vocabulary,
  other: Vocabulary,
  prompts: readonly string[],
  completions: TokenBatch,
): Aligned {
  const texts = own.decode(completions);
  const [mine, theirs]: [number[], number[]] = [[], []];
  let stretches = 0;
  const read = texts.map((text, b) => {
    const ids = rowOf(completions, b);
    const again = ids.at(-1) === own.special.eos ? completionIds(other, text) : idsOf(other, text);
    const { ends, silent } = placesOf(own, ids);
    const spans = sharedSpans(
      ends.filter((_, i) => !silent[i]),
      placesOf(other, again).ends,
    );
    let heard = 0;
    for (const quiet of silent) mine.push(quiet ? -1 : stretches + (spans.a[heard++] as number));
    for (const span of spans.b) theirs.push(stretches + span);
    stretches += (spans.a.at(-1) ?? -1) + 1;
    return again;
  });
  const pad = other.special.pad ?? 0;
  return {
    prompts: padBatch(
      prompts.map((prompt) => promptIds(other, prompt)),
      pad,
    ),
    completions: padBatch(read, pad),
    ...{ own: Int32Array.from(mine), other: Int32Array.from(theirs), stretches },
  };
}

/** Sums of numbers of the teacher's tokens over stretches, shared among the student's tokens `[R]`; 0 without a stretch. */
export function shares({ own, other, stretches }: Aligned, values: ArrayLike<number>): Float32Array {
  const [totals, counts] = [new Float64Array(stretches), new Float64Array(stretches)];
  for (const [r, span] of other.entries()) totals[span] = (totals[span] as number) + (values[r] as number);
  for (const span of own) if (span >= 0) counts[span] = (counts[span] as number) + 1;
  return Float32Array.from(own, (span) => (span < 0 ? 0 : (totals[span] as number) / (counts[span] as number)));
}

/**
 * Sampled answers of a teacher with another tokenizer: rows are the student's tokens. Without `spans` where both have one
 * tokenizer: the answers are then those of tokens.
 * @param prompts as texts
 */
export async function spanRows(
  teacher: Teacher,
  own: Vocabulary,
  prompts: readonly string[],
  completions: TokenBatch,
  signal: AbortSignal | undefined,
): Promise<TeacherRows> {
  const aligned = alignBatch(own, teacher.vocabulary as Vocabulary, prompts, completions);
  const want = 'sampled';
  const answer =
    aligned.completions.width === 0
      ? { sampled: new Float32Array(0) }
      : await teacher.score(aligned.prompts, aligned.completions, { want, ...(signal && { signal }) });
  checkAnswer(answer, { want, rows: aligned.other.length, vocabSize: teacher.vocabSize });
  const sampled = shares(aligned, (answer as { sampled: Float32Array }).sampled);
  // with one tokenizer every token is a stretch, and its own part is known
  const one = teacher.tokenizerHash === tokenizerHash(own) && !aligned.own.includes(-1);
  return one ? { sampled } : { sampled, spans: aligned.own };
}

/** The teachers' answers on a micro-batch, checked. */
import { padBatch, rowOf } from '@gimbal/language-models';
import { type LogitPolicy, NumericalError, type Params, type Prompt, type TokenBatch } from '@gimbal/tensor-core';
import { min, tidy } from '@tensorflow/tfjs-core';
import { isReverse } from '../divergence/divergence.ts';
import type { AlignedRows } from '../rows/aligned-rows.ts';
import { disposeRows, narrowed } from '../rows/teacher-logits.ts';
import { distributionRows } from '../teachers/align-distributions.ts';
import { spanRows } from '../teachers/align-spans.ts';
import { checkAnswer } from '../teachers/check-answer.ts';
import type { Teacher, TeacherRows, Wanted } from '../teachers/teacher.ts';
import { likeliest } from '../teachers/top-k.ts';
import { promptIds } from '../teachers/vocabulary.ts';
import { teacherText } from './encode-rows.ts';
import type { Example, MicroBatch, Part } from './examples.ts';
import { isOwn, type ResolvedGkd } from './gkd-options.ts';
import { studentRows } from './student-rows.ts';
import { byTeacher } from './teacher-of.ts';

/** The student as it is. */
export interface Writer {
  student: LogitPolicy;
  params: Params;
}

/**
 * Their tensors belong to the caller.
 * @param writer whose likeliest tokens may be asked for
 * @throws DataError where a teacher answers in another kind than asked, ShapeError of another number of rows, NumericalError
 * where it says NaN
 */
export async function askTeachers(
  o: ResolvedGkd,
  batch: MicroBatch,
  padId: number,
  writer: Writer,
  signal: AbortSignal | undefined,
): Promise<Part[]> {
  if (o.divergence === 'nll') return [];
  const K = o.teacherTopK;
  const whole: Wanted = o.divergence === 'sampled-rkl' ? 'sampled' : K === undefined ? 'full' : { topK: K };
  const own =
    K !== undefined && whole !== 'sampled' && o.topKOf === 'student' ? ownLikeliest(o, batch, writer, K) : undefined;
  const wanted = (rows: Int32Array | undefined): Wanted => {
    if (own === undefined || K === undefined) return whole;
    if (rows === undefined) return { at: own, each: K };
    return { at: pickRuns(own, rows, K), each: K };
  };
  const parts: Part[] = [];
  try {
    const rowOfExample = (b: number): Prompt => (batch.examples[b] as Example).row;
    for (const [teacher, members] of byTeacher(o, batch.examples.keys(), rowOfExample)) {
      const all = members.length === batch.examples.length;
      const pick = (t: TokenBatch): TokenBatch =>
        all
          ? t
          : padBatch(
              members.map((b) => rowOf(t, b)),
              padId,
            );
      const completions = pick(batch.completions);
      if (completions.width === 0) continue;
      const ids = new Set(members);
      const rows = all
        ? undefined
        : Int32Array.from([...batch.owners.keys()].filter((r) => ids.has(batch.owners[r] as number)));
      const { teacherPrompt, tokenizer } = o;
      const texts = (): string[] => members.map((b) => teacherText(o, rowOfExample(b)));
      const prompts =
        teacherPrompt === undefined
          ? pick(batch.prompts)
          : padBatch(
              texts().map((text) => promptIds(tokenizer, text)),
              padId,
            );
      const want = o.alignment === 'none' ? wanted(rows) : o.alignment === 'spans' ? 'sampled' : 'aligned';
      const answer = await (o.alignment === 'spans'
        ? spanRows(teacher, tokenizer, texts(), completions, signal)
        : o.alignment !== 'none'
          ? distributionRows(teacher, tokenizer, texts(), completions, {
              ...{ hybrid: o.alignment === 'hybrid', temperature: o.teacherTemperature, signal },
            })
          : teacher.score(prompts, completions, { want: want as Wanted, ...(signal && { signal }) }));
      // no text that both have
      if (answer === undefined && want === 'aligned') continue;
      const { vocabSize } = teacher;
      const checked = checkAnswer(answer, { want, rows: rows?.length ?? batch.ids.length, vocabSize });
      parts.push({ rows, teacher: checked });
      checkSupport(checked, teacher, o);
      if (o.alignVocab && !('aligned' in checked))
        parts.splice(-1, 1, { rows, teacher: narrowed(checked, o.tokenizer.size) });
    }
    return parts;
  } catch (error) {
    for (const { teacher } of parts) disposeRows(teacher);
    throw error;
  }
}

/** The student's K likeliest tokens of each row `[R · K]`. */
function ownLikeliest(o: ResolvedGkd, batch: MicroBatch, { student, params }: Writer, K: number): Int32Array {
  return tidy(() => {
    const form = { columns: o.alignVocab ? o.tokenizer.size : undefined, packing: o.packing };
    const rows = studentRows(student, params, batch, form);
    return likeliest('logits' in rows ? { full: rows.logits } : rows, K);
  });
}

/** K numbers of each of some rows. */
function pickRuns(all: Int32Array, rows: Int32Array, K: number): Int32Array {
  const out = new Int32Array(rows.length * K);
  for (const [i, r] of rows.entries()) out.set(all.subarray(r * K, (r + 1) * K), i * K);
  return out;
}

/** What the objective cannot bear of an answer that is right in itself. @throws NumericalError */
function checkSupport(answer: TeacherRows | AlignedRows, teacher: Teacher, o: ResolvedGkd): void {
  const banned = bannedRow(answer, o, teacher.vocabSize);
  if (banned === undefined) return;
  throw new NumericalError({
    where: 'teacher',
    what: `it bans ${bannedName(answer)} (probability 0) at token ${banned} of the batch: the reverse KL is infinite there`,
    fix: `Mix a little of the uniform distribution into it (1e-6 of ${teacher.vocabSize} tokens), or use a divergence that is finite: jsd with β below 1, skew-rkl with α above 0`,
  });
}

const bannedName = (answer: TeacherRows | AlignedRows): string =>
  'sampled' in answer
    ? 'the token that was written'
    : `a token${'topK' in answer ? ', or all but those it names' : ''}`;

/** The first row where a reverse KL is infinite: a token, or all that are not compared one by one, has probability 0. */
function bannedRow(answer: TeacherRows | AlignedRows, { divergence }: ResolvedGkd, V: number): number | undefined {
  const never = Number.NEGATIVE_INFINITY;
  const found = ((): number => {
    if ('sampled' in answer) return answer.sampled.indexOf(never);
    if (isOwn(divergence) || !isReverse(divergence)) return -1;
    if ('full' in answer) return tidy(() => min(answer.full, -1).dataSync<'float32'>().slice()).indexOf(never);
    if (!('topK' in answer)) return -1;
    const { ids, logp, tail } = answer.topK;
    const K = ids.length / tail.length;
    // with all tokens there are no others
    return tail.findIndex((rest, r) => (rest === 0 && K < V) || logp.subarray(r * K, (r + 1) * K).includes(never));
  })();
  return found < 0 ? undefined : found;
}

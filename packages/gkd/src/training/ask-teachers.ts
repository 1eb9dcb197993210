/** The teachers' answers on a micro-batch, checked. */
import { padBatch, rowOf } from '@gimbal/language-models';
import {
  type LogitPolicy,
  logSumExp,
  NumericalError,
  type Params,
  type Prompt,
  ShapeError,
  type TokenBatch,
} from '@gimbal/tensor-core';
import { keep, min, slice, sum, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import type { AlignedRows } from '../rows/aligned-rows.ts';
import { disposeRows, rowCount } from '../rows/teacher-logits.ts';
import { distributionRows } from '../teachers/align-distributions.ts';
import { spanRows } from '../teachers/align-spans.ts';
import type { Teacher, TeacherRows, TopK, Wanted } from '../teachers/teacher.ts';
import { likeliest } from '../teachers/top-k.ts';
import { promptIds } from '../teachers/vocabulary.ts';
import { promptText } from './encode-rows.ts';
import type { Example, MicroBatch, Part } from './examples.ts';
import type { ResolvedGkd } from './gkd-options.ts';
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
 * @throws NumericalError where a teacher says NaN
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
      const prompts =
        teacherPrompt === undefined
          ? pick(batch.prompts)
          : padBatch(
              members.map((b) => promptIds(tokenizer, teacherPrompt(rowOfExample(b)))),
              padId,
            );
      const texts = (): string[] =>
        members.map((b) =>
          teacherPrompt === undefined ? promptText(rowOfExample(b)) : teacherPrompt(rowOfExample(b)),
        );
      const answer = await (o.alignment === 'spans'
        ? spanRows(teacher, tokenizer, texts(), completions, signal)
        : o.alignment !== 'none'
          ? distributionRows(teacher, tokenizer, texts(), completions, {
              ...{ hybrid: o.alignment === 'hybrid', temperature: o.teacherTemperature, signal },
            })
          : teacher.score(prompts, completions, { want: wanted(rows), ...(signal && { signal }) }));
      if (answer === undefined) continue;
      parts.push({ rows, teacher: answer });
      checkAnswer(answer, rows?.length ?? batch.ids.length, teacher, o);
      if (o.alignVocab && !('aligned' in answer))
        parts.splice(-1, 1, { rows, teacher: narrowed(answer, o.tokenizer.size) });
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

/** Only the first V columns: what lies behind is no token. */
function narrowed(rows: TeacherRows, V: number): TeacherRows {
  const cut = (x: Tensor2D, shape: [number, number]): Tensor2D => {
    const out = keep(tidy(() => slice(x, [0, 0], shape)));
    x.dispose();
    return out;
  };
  if ('full' in rows && rows.full.shape[1] > V) return { full: cut(rows.full, [rows.full.shape[0], V]) };
  if ('hidden' in rows && rows.head.shape[0] > V)
    return { hidden: rows.hidden, head: cut(rows.head, [V, rows.head.shape[1]]) };
  return rows;
}

/** K tokens a row and what they leave: without it no divergence is one. */
function checkTail({ ids, logp, tail }: TopK, K: number): void {
  const where = 'teacher';
  const rows = tail?.length;
  if (rows === undefined || ids.length !== rows * K || logp.length !== rows * K)
    throw new ShapeError({
      ...{ where, what: 'its likeliest tokens come without the sum of the others, or in another number' },
      got: `${ids.length} ids, ${logp.length} log-probabilities, ${rows ?? 'no'} sums`,
      wanted: `${K} a row, and one sum`,
    });
  for (const [r, rest] of tail.entries()) {
    let total = rest;
    for (let k = 0; k < K; k++) total += Math.exp(logp[r * K + k] as number);
    // a NaN is told below
    if (rest >= 0 && Math.abs(total - 1) <= 1e-3) continue;
    if (Number.isNaN(total)) return;
    throw new NumericalError({
      where,
      what: `its likeliest tokens and the sum of the others make ${total} at token ${r} of the batch, the sum alone ${rest}`,
      fix: 'Give log-probabilities of the whole distribution, and 1 less their sum',
    });
  }
}

function checkAnswer(answer: TeacherRows | AlignedRows, wanted: number, teacher: Teacher, o: ResolvedGkd): void {
  const where = 'teacher';
  if ('topK' in answer) checkTail(answer.topK, o.teacherTopK ?? 1);
  if (rowCount(answer) !== wanted)
    throw new ShapeError({
      where,
      what: 'it scored another number of tokens than the completions have',
      got: rowCount(answer),
      wanted,
    });
  const refuse = (row: number, what: string): never => {
    const fix = 'Look at the teacher’s weights and precision';
    throw new NumericalError({ where, what: `${what} at token ${row} of the batch`, fix });
  };
  // one number a row: NaN anywhere makes it NaN
  const sums = tidy(() => {
    if ('full' in answer) return logSumExp(answer.full, -1).dataSync<'float32'>().slice();
    if ('hidden' in answer) return sum(answer.hidden, -1).dataSync<'float32'>().slice();
    if ('sampled' in answer) return answer.sampled;
    if ('aligned' in answer) return answer.aligned.sampled;
    return answer.topK.logp.map((x, i) => x + (answer.topK.tail[i] ?? 0));
  });
  const bad = sums.findIndex((x) => Number.isNaN(x) || ('full' in answer && !Number.isFinite(x)));
  if (bad >= 0) refuse(bad, 'it gives no distribution (NaN)');
  const reverse =
    o.divergence === 'rkl' ||
    (typeof o.divergence === 'object' && o.divergence.kind === 'jsd' && o.divergence.beta === 1);
  if (!reverse || !('full' in answer)) return;
  const least = tidy(() => min(answer.full, -1).dataSync<'float32'>().slice());
  const banned = least.indexOf(Number.NEGATIVE_INFINITY);
  if (banned < 0) return;
  throw new NumericalError({
    where,
    what: `it bans a token (probability 0) at token ${banned} of the batch: the reverse KL is infinite there`,
    fix: `Mix a little of the uniform distribution into it (1e-6 of ${teacher.vocabSize} tokens), or use jsd with β below 1`,
  });
}

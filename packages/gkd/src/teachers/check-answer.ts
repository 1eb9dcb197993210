/** Whether an answer of a teacher is what it was asked for: its kind, its number of rows, its numbers. */
import { DataError, isTensor, logSumExp, NumericalError, ShapeError, type TokenBatch } from '@gimbal/tensor-core';
import { sum, tidy } from '@tensorflow/tfjs-core';
import type { AlignedRows } from '../rows/aligned-rows.ts';
import { disposeRows, rowCount } from '../rows/teacher-logits.ts';
import type { TeacherRows, TopK, Wanted } from './teacher.ts';

/** What was asked for. 'aligned': what this library makes of answers to 'full' of a teacher with another tokenizer. */
export interface Asked {
  want: Wanted | 'aligned';
  /** tokens of the completions */
  rows: number;
  /** V: ids of likeliest tokens are below it */
  vocabSize: number;
}

const where = 'teacher';

const kindNames = ['full', 'hidden', 'topK', 'sampled', 'aligned'] as const;

type Kind = (typeof kindNames)[number];

/** rounding of probabilities that a service gives */
const tolerance = 1e-3;

/**
 * @returns the answer; of one that is refused the tensors are disposed
 * @throws DataError for another kind than asked; ShapeError for another number of rows; NumericalError for NaN, for
 * probabilities beyond 1, and for likeliest tokens that are no distribution
 */
export function checkAnswer<A extends TeacherRows | AlignedRows>(given: A | undefined, asked: Asked): A {
  try {
    checkKind(given, asked);
    checkRows(given as A, asked);
    return given as A;
  } catch (error) {
    disposeGiven(given);
    throw error;
  }
}

/** The same of rows that stay the caller’s, of the right kind. */
export function checkRows(answer: TeacherRows | AlignedRows, asked: Asked): void {
  checkTensors(answer);
  if ('topK' in answer) checkNumbers(answer.topK, asked);
  if (rowCount(answer) !== asked.rows)
    throw new ShapeError({
      where,
      what: 'it scored another number of tokens than the completions have',
      got: rowCount(answer),
      wanted: asked.rows,
    });
  if ('topK' in answer) checkIds(answer.topK, asked);
  // one number a row: NaN anywhere makes it NaN
  const sums = tidy(() => {
    if ('full' in answer) return logSumExp(answer.full, -1).dataSync<'float32'>().slice();
    if ('hidden' in answer) return sum(answer.hidden, -1).dataSync<'float32'>().slice();
    if ('sampled' in answer) return answer.sampled;
    if ('aligned' in answer) return answer.aligned.sampled;
    return answer.topK.logp.map((x, i) => x + (answer.topK.tail[i] ?? 0));
  });
  const bad = sums.findIndex((x) => Number.isNaN(x) || ('full' in answer && !Number.isFinite(x)));
  if (bad >= 0) {
    const what = `it gives no distribution (NaN) at token ${bad} of the batch`;
    throw new NumericalError({ where, what, fix: 'Look at the teacher’s weights and precision' });
  }
  if ('sampled' in answer) checkBelowOne(answer.sampled);
}

/**
 * Completions that a teacher wrote: one a prompt, of ids that are tokens.
 * @throws ShapeError, DataError
 */
export function checkWritten(written: TokenBatch, prompts: number, vocabSize: number): TokenBatch {
  const where = 'teacher.sample';
  const got = written?.lengths?.length ?? 'none';
  if (got !== prompts) throw new ShapeError({ where, what: 'another number of completions', got, wanted: prompts });
  for (const [b, length] of written.lengths.entries())
    for (let t = 0; t < length; t++) {
      const id = written.ids[b * written.width + t];
      if (id !== undefined && id >= 0 && id < vocabSize) continue;
      const what = `token ${t} of completion ${b} is none`;
      throw new DataError({ where, what, got: id, wanted: `ids from 0 to ${vocabSize - 1}` });
    }
  return written;
}

/** Whatever it is: it may be no answer at all. */
function disposeGiven(given: unknown): void {
  if (typeof given !== 'object' || given === null) return;
  if ('aligned' in given) disposeRows(given as AlignedRows);
  else for (const part of Object.values(given)) if (isTensor(part)) part.dispose();
}

/** @throws NumericalError */
function checkBelowOne(logp: Float32Array): void {
  const beyond = logp.findIndex((x) => x > tolerance);
  if (beyond < 0) return;
  throw new NumericalError({
    where,
    what: `its log-probability of token ${beyond} of the batch is that of a probability above 1`,
    got: logp[beyond],
    wanted: 'at most 0',
    fix: 'Give log p in nats, not −log p, and not a logit',
  });
}

/** @throws DataError */
function checkKind(answer: unknown, { want }: Asked): void {
  const kinds: readonly Kind[] =
    want === 'full' ? ['full', 'hidden'] : typeof want === 'object' ? ['topK'] : [want as 'sampled' | 'aligned'];
  if (typeof answer === 'object' && answer !== null && kinds.some((kind) => kind in answer)) return;
  throw new DataError({
    where,
    what: 'it answers in another kind than asked',
    got: nameOf(answer),
    wanted: typeof want === 'object' ? 'topK: ids, logp and tail' : kinds.join(', or '),
    fix: 'score is to answer what its option want asks for',
  });
}

function nameOf(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return String(answer);
  return kindNames.find((kind) => kind in answer) ?? `an object with ${Object.keys(answer).join(', ') || 'nothing'}`;
}

/** @throws ShapeError */
function checkTensors(answer: TeacherRows | AlignedRows): void {
  const named =
    'full' in answer ? { full: answer.full } : 'hidden' in answer ? { hidden: answer.hidden, head: answer.head } : {};
  for (const [name, x] of Object.entries(named)) {
    const isThere = isTensor(x) && !x.isDisposed;
    if (isThere && x.rank === 2) continue;
    const got = isThere ? x.shape : isTensor(x) ? 'a disposed tensor' : typeof x;
    throw new ShapeError({ where, what: `${name} is no matrix`, got, wanted: 'a tensor of rank 2' });
  }
  if (!('hidden' in answer) || answer.hidden.shape[1] === answer.head.shape[1]) return;
  const [got, wanted] = [answer.head.shape[1], answer.hidden.shape[1]];
  throw new ShapeError({ where, what: 'head has another width than hidden', got, wanted });
}

/** K tokens a row and what they leave: without it no divergence is one. */
function checkNumbers({ ids, logp, tail }: TopK, { want, rows: total }: Asked): void {
  const K = typeof want !== 'object' ? 1 : 'at' in want ? want.each : want.topK;
  const rows = tail?.length;
  if (rows === undefined || ids?.length !== rows * K || logp?.length !== rows * K)
    throw new ShapeError({
      ...{ where, what: 'its likeliest tokens come without the sum of the others, or in another number' },
      got: `${ids?.length ?? 'no'} ids, ${logp?.length ?? 'no'} log-probabilities, ${rows ?? 'no'} sums`,
      wanted: `${K} a row, and one sum`,
    });
  for (let r = 0; r < Math.min(rows, total); r++) {
    const rest = tail[r] as number;
    let all = rest;
    for (let k = 0; k < K; k++) all += Math.exp(logp[r * K + k] as number);
    if (Number.isNaN(all)) continue; // told by the caller
    if (rest >= 0 && Math.abs(all - 1) <= tolerance) continue;
    throw new NumericalError({
      where,
      what: `its likeliest tokens and the sum of the others make ${all} at token ${r} of the batch, the sum alone ${rest}`,
      fix: 'Give log-probabilities of the whole distribution, and 1 less their sum',
    });
  }
}

/** Ids that are tokens, each once a row; those that were asked for. @throws DataError */
function checkIds({ ids, tail }: TopK, { want, vocabSize }: Asked): void {
  const K = ids.length / Math.max(1, tail.length);
  const refuse = (i: number, what: string, wanted: string): never => {
    throw new DataError({ where, what: `${what} at token ${Math.floor(i / K)} of the batch`, got: ids[i], wanted });
  };
  for (let r = 0; r < tail.length; r++) {
    const seen = new Set<number>();
    for (let i = r * K; i < (r + 1) * K; i++) {
      const id = ids[i] as number;
      if (!(id >= 0 && id < vocabSize)) refuse(i, 'one of its likeliest is no token', `0 to ${vocabSize - 1}`);
      if (seen.has(id)) refuse(i, 'one of its likeliest tokens stands there twice', 'each once a row');
      seen.add(id);
      if (typeof want === 'object' && 'at' in want && want.at[i] !== id)
        refuse(i, 'it answers of another token than it was asked of', `${want.at[i]}, in the order of want.at`);
    }
  }
}

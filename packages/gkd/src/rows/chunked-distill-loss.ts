/** D of whole completions from states and head: no `[B, T, V]` ever exists. */
import { ConfigError, checkCount, checkKnown, checkName, DataError, embedding, ShapeError } from '@gimbal/tensor-core';
import {
  reshape,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { checkMask, type LossReduction } from '../divergence/distill-loss.ts';
import { checkDivergence, type Divergence, isCustom, type Temperatures } from '../divergence/divergence.ts';
import { checkTemperatures, checkTensor, temperatureNames } from '../divergence/token-divergence.ts';
import { checkRows } from '../teachers/check-answer.ts';
import type { TeacherRows } from '../teachers/teacher.ts';
import { rowLoss } from './row-loss.ts';
import { isDense, rowCount, teacherWidth } from './teacher-logits.ts';

/** What the chunked loss is computed from. */
export interface ChunkedLossInput extends Temperatures {
  /** the student's states `[B, T, D]` that its head turns into logits */
  hiddenS: Tensor3D;
  /** the student's output matrix `[V, D]` */
  headS: Tensor2D;
  /** one row for each token of the mask, completion after completion */
  teacher: TeacherRows;
  /** `[B, T]`, 0 or 1 */
  mask: Tensor2D;
  /** which D */
  divergence: Divergence;
  /** rows whose logits are there at a time */
  rowsPerChunk: number;
  /** columns of those rows' logits that are there at a time, for twice the products; default all */
  vocabularyPerChunk?: number;
  /** default 'sequence' */
  reduction?: LossReduction;
}

/**
 * `distillLoss` from states and head, rows of padding skipped before the product with the head. Differentiable in hiddenS
 * and headS; the teacher is a constant.
 * @returns the caller disposes it; 0 where the mask has no token
 * @example
 * const teacher = await large.score(prompts, completions, { want: 'full' }); // rows of the mask's tokens alone
 * const loss = chunkedDistillLoss({ hiddenS, headS, teacher, mask, divergence: 'fkl', rowsPerChunk: 64 });
 * @throws ConfigError for a chunk of less than a row; DataError, NumericalError for a teacher’s rows that are no distributions; ShapeError where rows, widths or shapes do not fit
 */
export function chunkedDistillLoss(o: ChunkedLossInput): Scalar {
  const at = 'chunkedDistillLoss';
  checkKnown(at, o, names);
  const { hiddenS, headS, teacher, mask, divergence, rowsPerChunk, vocabularyPerChunk } = o;
  const { teacherTemperature = 1, studentTemperature = 1, reduction = 'sequence' } = o;
  for (const [name, x] of Object.entries({ hiddenS, headS, mask })) checkTensor(at, name, x);
  checkDivergence(at, divergence);
  checkTemperatures(at, o);
  checkCount(`${at}, rowsPerChunk`, rowsPerChunk);
  if (vocabularyPerChunk !== undefined) checkVocabularyChunk(at, vocabularyPerChunk, teacher, divergence);
  checkName(`${at}, reduction`, reduction, ['sequence', 'token']);
  checkMask(at, mask, hiddenS.shape.slice(0, 2));
  checkWidth(at, hiddenS.shape[2], headS.shape[1], 'headS has another width than hiddenS');
  checkTeacherRows(at, o);
  const V = teacherWidth(teacher);
  if (V !== undefined) checkWidth(at, headS.shape[0], V, 'the vocabularies of student and teacher differ');
  const marks = mask.dataSync();
  const { places, weights } = countedRows(marks, mask.shape as [number, number], reduction);
  checkWidth(at, places.length, rowCount(teacher), 'the teacher has another number of rows than the mask has tokens');
  if ('topK' in teacher) {
    const K = Math.round(teacher.topK.ids.length / Math.max(1, places.length));
    checkRows(teacher, { want: { topK: K }, rows: places.length, vocabSize: headS.shape[0] });
  }
  if (places.length === 0) return zeros([]);
  return tidy(() => {
    const ids = new Int32Array(places.length);
    const student = { hidden: takeRows(hiddenS, places), head: headS };
    const size = { rowsPerChunk, ...(vocabularyPerChunk !== undefined && { vocabularyPerChunk }) };
    const rows = { student, teacher, ids, weights, divergence, teacherTemperature, studentTemperature };
    return rowLoss({ ...rows, ...size }).loss;
  });
}

const names = [
  ...['hiddenS', 'headS', 'teacher', 'mask', 'divergence', 'rowsPerChunk', 'vocabularyPerChunk', 'reduction'],
  ...temperatureNames,
];

/** @throws DataError for rows that no divergence can be taken of; ConfigError for a temperature that they cannot have */
function checkTeacherRows(at: string, { teacher, teacherTemperature = 1 }: ChunkedLossInput): void {
  const isThere = typeof teacher === 'object' && teacher !== null;
  if (!isThere || !(isDense(teacher) || ('topK' in teacher && teacher.topK?.tail !== undefined)))
    throw new DataError({
      where: `${at}, teacher`,
      what:
        isThere && 'sampled' in teacher
          ? 'log-probabilities of sampled tokens have no divergence, and whose they are is not said'
          : 'it gives no distributions',
      got: isThere ? Object.keys(teacher).join(', ') : teacher,
      wanted: 'full, hidden with head, or topK with ids, logp and tail',
    });
  if ('topK' in teacher && teacherTemperature !== 1)
    throw new ConfigError({
      where: `${at}, teacherTemperature`,
      what: 'the likeliest tokens alone do not tell another temperature',
      got: teacherTemperature,
      wanted: '1 with topK',
    });
}

/** @throws ConfigError where the vocabulary cannot be split */
function checkVocabularyChunk(at: string, columns: number, teacher: TeacherRows, divergence: Divergence): void {
  const where = `${at}, vocabularyPerChunk`;
  checkCount(where, columns);
  if (isDense(teacher) && !isCustom(divergence)) return;
  const what = isDense(teacher)
    ? 'a divergence of one’s own reads whole rows'
    : 'the teacher gives no whole distributions';
  throw new ConfigError({ where, what, fix: 'Leave it out' });
}

/** Where the tokens that count stand `[B·T]`, and what each weighs in the mean. */
function countedRows(
  marks: ArrayLike<number>,
  [B, T]: readonly [number, number],
  reduction: LossReduction,
): { places: Int32Array; weights: Float32Array } {
  const [places, weights]: [number[], number[]] = [[], []];
  for (let b = 0; b < B; b++) {
    const from = places.length;
    for (let t = 0; t < T; t++) if (marks[b * T + t] !== 0) places.push(b * T + t);
    const count = places.length - from;
    for (let i = 0; i < count; i++) weights.push(reduction === 'token' ? 1 : 1 / (count * B));
  }
  if (reduction === 'token') weights.fill(1 / Math.max(1, weights.length));
  return { places: Int32Array.from(places), weights: Float32Array.from(weights) };
}

/** Rows of `[B, T, …]` at places in B·T; differentiable. */
export function takeRows(x: Tensor3D, places: Int32Array): Tensor2D {
  const [B, T, D] = x.shape;
  const flat = reshape(x, [B * T, D]) as Tensor2D;
  return places.length === B * T ? flat : embedding<Tensor2D>(tensor1d(places, 'int32') as Tensor, flat);
}

function checkWidth(at: string, wanted: number, got: number, what: string): void {
  if (got !== wanted) throw new ShapeError({ where: at, what, got, wanted });
}

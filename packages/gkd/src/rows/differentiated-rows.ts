/**
 * The same Σ w D where the gradient is autodiff's: the user's own divergence, a teacher's likeliest tokens or its sampled
 * ones alone, a student without a single head matrix. Dense, or chunk by chunk, each computed again in the backward pass.
 */
import {
  checkpoint,
  divergenceMeasures,
  linear,
  type Params,
  ShapeError,
  stopGradient,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import {
  add,
  concat,
  fill,
  mul,
  reshape,
  type Scalar,
  slice,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { type Divergence, opOptions, type Temperatures } from '../divergence/divergence.ts';
import { tokenDivergence } from '../divergence/token-divergence.ts';
import type { TeacherRows } from '../teachers/teacher.ts';
import { coarsen, sliceTopK } from './coarse.ts';
import { width as columnCount, columnOf } from './table.ts';
import { isDense, teacherLogits } from './teacher-logits.ts';

export interface DifferentiatedInput extends Temperatures {
  /** the student's logits `[R, V]`, or states and head */
  student: { logits: Tensor2D } | { hidden: Tensor2D; head: Tensor2D };
  teacher: TeacherRows;
  weights: Float32Array;
  ids: Int32Array;
  divergence: Divergence;
  rowsPerChunk: number;
}

/** As `chunkedRows`. */
export function differentiatedRows(o: DifferentiatedInput): { loss: Scalar; table: Tensor2D } {
  const { student, rowsPerChunk } = o;
  const table =
    'logits' in student
      ? rowTable(o, student.logits, 0)
      : inChunks(student.hidden, rowsPerChunk, (from, count, whole) => {
          const f = ({ head }: { head: Tensor }, states: Tensor): Tensor2D =>
            rowTable(o, linear<Tensor2D>(states, head, { weightLayout: 'out-in' }), from);
          const states = whole ? student.hidden : slice(student.hidden, [from, 0], [count, student.hidden.shape[1]]);
          const tree = { head: student.head } satisfies Params;
          return whole ? f(tree, states) : checkpoint(f)(tree, states);
        });
  const d = reshape(slice(table, [0, columnOf('divergence')], [table.shape[0], 1]), [-1]);
  return { loss: sum(mul(d, tensor1d(o.weights))) as Scalar, table: stopGradient(table) };
}

function inChunks(
  hidden: Tensor2D,
  rowsPerChunk: number,
  run: (from: number, count: number, whole: boolean) => Tensor2D,
): Tensor2D {
  const rows = hidden.shape[0];
  if (rows <= rowsPerChunk) return run(0, rows, true);
  const parts: Tensor2D[] = [];
  for (let from = 0; from < rows; from += rowsPerChunk)
    parts.push(run(from, Math.min(rowsPerChunk, rows - from), false));
  return concat(parts, 0);
}

/** All columns of rows `from` on, from their logits; D is differentiable. */
function rowTable(o: DifferentiatedInput, z: Tensor2D, from: number): Tensor2D {
  const count = z.shape[0];
  const ids = tensor1d(o.ids.subarray(from, from + count), 'int32');
  const { teacher } = o;
  if (isDense(teacher)) {
    const target = teacherLogits(teacher, from, count);
    if (target.shape[1] !== z.shape[1])
      throw new ShapeError({ where: 'gkd', what: 'vocabularies differ', got: target.shape[1], wanted: z.shape[1] });
    const options = opOptions(o.divergence, o);
    const still = (t: Tensor): Tensor => stopGradient(t);
    const { values, measures } = divergenceMeasures(
      options === undefined ? still(z) : z,
      target,
      options ?? { kind: 'fkl', ...temperaturesOf(o) },
    );
    const d = options === undefined ? tokenDivergence<Tensor1D>(z, target, o.divergence, o) : values;
    return columnsOf([d, still(tokenLogProbs(z, ids)), still(tokenLogProbs(target, ids))], still(measures));
  }
  const logQ = tokenLogProbs<Tensor1D>(z, ids);
  if ('topK' in teacher) {
    const { studentTemperature = 1 } = o;
    const top = sliceTopK(teacher.topK, from, count);
    const coarse = coarsen(studentTemperature === 1 ? z : mul(z, 1 / studentTemperature), top);
    const d = tokenDivergence<Tensor1D>(coarse.student, coarse.teacher, o.divergence);
    const q = stopGradient(coarse.student);
    const { measures } = divergenceMeasures(q, coarse.teacher, { kind: 'fkl' });
    const { measures: own } = divergenceMeasures(stopGradient(z), stopGradient(z), {
      kind: 'fkl',
      temperature: studentTemperature,
      targetTemperature: studentTemperature,
    });
    const entropy = slice(own, [0, 3], [count, 1]);
    const unknown = fill([count], Number.NaN);
    return columnsOf([d, stopGradient(logQ), unknown], concat([slice(measures, [0, 0], [count, 3]), entropy], 1));
  }
  // log q/p of the sampled token: its mean is KL(q‖p), its gradient is the score function's
  const logP = tensor1d(teacher.sampled.slice(from, from + count));
  const ratio = stopGradient(sub(logQ, logP) as Tensor1D) as Tensor1D;
  // a token's score counts the whole stretch that it is part of
  const score = teacher.spans === undefined ? ratio : spanSums(ratio, teacher.spans.subarray(from, from + count));
  const d = add(mul(score, sub(logQ, stopGradient(logQ))), ratio);
  const unknown = fill([count, 1], Number.NaN);
  const reverse = reshape(ratio, [count, 1]);
  return columnsOf([d, stopGradient(logQ), logP], concat([unknown, reverse, unknown, unknown], 1));
}

/** Σ over the rows of each row's span. */
function spanSums(x: Tensor1D, spans: Int32Array): Tensor1D {
  const totals = new Map<number, number>();
  for (const [r, value] of x.dataSync<'float32'>().entries())
    totals.set(spans[r] as number, (totals.get(spans[r] as number) ?? 0) + value);
  return tensor1d(Float32Array.from(spans, (span) => totals.get(span) as number));
}

const temperaturesOf = ({ teacherTemperature = 1, studentTemperature = 1 }: Temperatures) => ({
  temperature: studentTemperature,
  targetTemperature: teacherTemperature,
});

const columnsOf = (first: Tensor[], rest: Tensor): Tensor2D => {
  const table = concat([stack(first, 1), rest], 1) as Tensor2D;
  if (table.shape[1] !== columnCount) throw new RangeError('a column is missing');
  return table;
};

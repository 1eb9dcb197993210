/**
 * The same Σ w D where the gradient is autodiff's: the user's own divergence, a teacher's likeliest tokens or its sampled
 * ones alone, a student without a single head matrix. Dense, or chunk by chunk, each computed again in the backward pass.
 */
import {
  checkpoint,
  divergenceMeasures,
  embedding,
  linear,
  type Params,
  ShapeError,
  stopGradient,
  tokenLogProbs,
} from '@gimbal/tensor-core';
import {
  add,
  concat,
  exp,
  fill,
  mul,
  reshape,
  type Scalar,
  slice,
  softmax,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  unsortedSegmentSum,
  zeros,
} from '@tensorflow/tfjs-core';
import { type Divergence, opOptions, type Temperatures } from '../divergence/divergence.ts';
import { temperaturesIn, tokenDivergence } from '../divergence/token-divergence.ts';
import type { TeacherRows } from '../teachers/teacher.ts';
import { coarseRows, sortedDistance, type WrittenStretches } from './aligned-distance.ts';
import type { AlignedRows } from './aligned-rows.ts';
import { coarsen, sliceTopK } from './coarse.ts';
import { chunksOf } from './spans-in-chunks.ts';
import { width as columnCount, columnOf } from './table.ts';
import { isDense, teacherLogits } from './teacher-logits.ts';

export interface DifferentiatedInput extends Temperatures {
  /** the student's logits `[R, V]`, or states and head */
  student: { logits: Tensor2D } | { hidden: Tensor2D; head: Tensor2D };
  teacher: TeacherRows | AlignedRows;
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
      : inChunks(chunksOf(student.hidden.shape[0], rowsPerChunk, spansOf(o.teacher)), (from, count, whole) => {
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
  chunks: readonly [from: number, count: number][],
  run: (from: number, count: number, whole: boolean) => Tensor2D,
): Tensor2D {
  const [first, ...more] = chunks.map(([from, count]) => run(from, count, chunks.length === 1));
  return more.length === 0 ? (first as Tensor2D) : concat([first as Tensor2D, ...more], 0);
}

/** Stretches of text that rows belong to; undefined where each token stands for itself. */
const spansOf = (teacher: TeacherRows | AlignedRows): Int32Array | undefined =>
  'aligned' in teacher ? teacher.aligned.spans : undefined;

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
    const d = options === undefined ? tokenDivergence<Tensor1D>(z, target, o.divergence, temperaturesIn(o)) : values;
    return columnsOf([d, still(tokenLogProbs(z, ids)), still(tokenLogProbs(target, ids))], still(measures));
  }
  const logQ = tokenLogProbs<Tensor1D>(z, ids);
  if ('aligned' in teacher) return alignedTable(o, teacher.aligned, z, logQ, from);
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
    const rest = exp(slice(q, [0, q.shape[1] - 1], [count, 1]));
    return columnsOf([d, stopGradient(logQ), unknown], concat([slice(measures, [0, 0], [count, 3]), entropy], 1), rest);
  }
  // log q/p of the sampled token: its mean is KL(q‖p), its gradient is the score function's
  const logP = tensor1d(teacher.sampled.slice(from, from + count));
  const spans = teacher.spans?.subarray(from, from + count);
  // a token without text is in no stretch
  const counted = spans?.includes(-1) ? mul(sub(logQ, logP), tensor1d(marksOf(spans))) : sub(logQ, logP);
  const ratio = stopGradient(counted as Tensor1D) as Tensor1D;
  // of stretches of text only the whole completion's score is known: it is added where completions are (credit.ts)
  const score = spans === undefined ? ratio : mul(ratio, 0);
  const d = add(mul(score, sub(logQ, stopGradient(logQ))), ratio);
  const unknown = fill([count, 1], Number.NaN);
  const reverse = reshape(ratio, [count, 1]);
  return columnsOf([d, stopGradient(logQ), logP], concat([unknown, reverse, unknown, unknown], 1));
}

/** 1 for rows that have a stretch. */
const marksOf = (spans: Int32Array): Float32Array => Float32Array.from(spans, (span) => Number(span >= 0));

/** Columns of rows `from` on, where each token has its stretch's distance. */
function alignedTable(
  o: DifferentiatedInput,
  { rows, logProbs, first, lengths, sampled, spans: all, cells }: AlignedRows['aligned'],
  z: Tensor2D,
  logQ: Tensor1D,
  from: number,
): Tensor2D {
  const count = z.shape[0];
  const spans = all.subarray(from, from + count);
  const { studentTemperature = 1, teacherTemperature = 1 } = o;
  const start = spans.find((span) => span >= 0);
  const own = stopGradient(z);
  const { measures } = divergenceMeasures(own, own, {
    ...{ kind: 'fkl', temperature: studentTemperature, targetTemperature: studentTemperature },
  });
  const unknown = fill([count, 1], Number.NaN);
  const finish = (d: Tensor): Tensor2D =>
    columnsOf(
      [d, stopGradient(logQ), tensor1d(sampled.slice(from, from + count))],
      concat([unknown, unknown, unknown, slice(measures, [0, 3], [count, 1])], 1),
    );
  if (start === undefined) return finish(mul(logQ, 0));
  const S = spans.reduce((most, span) => Math.max(most, span), start) - start + 1;
  const firsts = Int32Array.from({ length: S }, (_, s) => spans.indexOf(start + s));
  const scaled = studentTemperature === 1 ? z : mul<Tensor2D>(z, 1 / studentTemperature);
  const pick = (x: Tensor, places: Int32Array): Tensor => embedding(tensor1d(places, 'int32') as Tensor, x as Tensor2D);
  const q = pick(scaled, firsts) as Tensor2D;
  const p = mul(teacherLogits(rows, start, S), 1 / teacherTemperature) as Tensor2D;
  const coarse = (logits: Tensor2D, of: Int32Array, written: WrittenStretches): Tensor2D =>
    coarseRows(logits, of, cells?.count ?? 0, written);
  const tokens = o.ids.subarray(from, from + count);
  const apart = Float32Array.from({ length: S }, (_, s) =>
    Number((lengths[start + s] as number) > 1 || spans.indexOf(start + s) !== spans.lastIndexOf(start + s)),
  );
  const ownWritten = (): WrittenStretches => {
    const known = mul<Tensor1D>(tokenLogProbs(scaled, tensor1d(tokens, 'int32')), tensor1d(marksOf(spans)));
    const segments = spans.map((span) => Math.max(0, span - start));
    const all = unsortedSegmentSum(known, tensor1d(segments, 'int32'), S);
    return { apart, logProbs: all, first: firsts.map((r) => tokens[r] as number) };
  };
  const theirs = (): WrittenStretches => ({
    ...{ apart, logProbs: tensor1d(logProbs.subarray(start, start + S)), first: first.subarray(start, start + S) },
  });
  const d =
    cells === undefined
      ? sortedDistance(softmax(p), softmax(q))
      : tokenDivergence<Tensor1D>(coarse(q, cells.own, ownWritten()), coarse(p, cells.other, theirs()), o.divergence);
  const places = spans.map((span) => Math.max(0, span - start));
  const ofTokens = reshape(pick(reshape(d, [S, 1]), places), [count]);
  return finish(mul(ofTokens, tensor1d(marksOf(spans))));
}

const temperaturesOf = ({ teacherTemperature = 1, studentTemperature = 1 }: Temperatures) => ({
  temperature: studentTemperature,
  targetTemperature: teacherTemperature,
});

const columnsOf = (first: Tensor[], measures: Tensor, rest?: Tensor): Tensor2D => {
  const table = concat([stack(first, 1), measures, rest ?? zeros([measures.shape[0] as number, 1])], 1) as Tensor2D;
  if (table.shape[1] !== columnCount) throw new RangeError('a column is missing');
  return table;
};

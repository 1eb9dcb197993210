/** Σ w D over rows, in the way that is fastest for what teacher and student can give. */
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { type Divergence, opOptions, type Temperatures } from '../divergence/divergence.ts';
import type { TeacherRows } from '../teachers/teacher.ts';
import type { AlignedRows } from './aligned-rows.ts';
import { chunkedRows } from './chunked-rows.ts';
import { differentiatedRows } from './differentiated-rows.ts';
import { defaultRowsPerChunk } from './rows-per-chunk.ts';
import { isDense } from './teacher-logits.ts';

export interface RowLossInput extends Temperatures {
  /** the student's logits `[R, V]`, or states `[R, D]` and head `[V, D]` */
  student: { logits: Tensor2D } | { hidden: Tensor2D; head: Tensor2D };
  teacher: TeacherRows | AlignedRows;
  /** of D of each row `[R]` */
  weights: Float32Array;
  /** the completion's own tokens `[R]` */
  ids: Int32Array;
  divergence: Divergence;
  /** rows whose logits are there at a time; default as many as fit 64 MB */
  rowsPerChunk?: number;
  /** columns of those rows' logits that are there at a time, where the gradient is in closed form; default all */
  vocabularyPerChunk?: number;
  /** default true */
  trainsHead?: boolean;
  /** false: nobody differentiates, and what only a gradient needs is not computed; default true */
  gradient?: boolean;
}

/** @returns the loss, differentiable in the student's, and what is known of each row (table.ts), which is not */
export function rowLoss({ trainsHead = true, gradient = true, ...o }: RowLossInput): { loss: Scalar; table: Tensor2D } {
  const { student, teacher } = o;
  const V = 'logits' in student ? student.logits.shape[1] : student.head.shape[0];
  const { vocabularyPerChunk } = o;
  const rowsPerChunk = o.rowsPerChunk ?? defaultRowsPerChunk(Math.min(V, vocabularyPerChunk ?? V));
  const divergence = opOptions(o.divergence, o);
  if (gradient && 'hidden' in student && isDense(teacher) && divergence !== undefined) {
    const { weights, ids } = o;
    const size = { rowsPerChunk, vocabularyPerChunk };
    return chunkedRows({ ...student, teacher, weights, ids, divergence, ...size, trainsHead });
  }
  return differentiatedRows({ ...o, rowsPerChunk });
}

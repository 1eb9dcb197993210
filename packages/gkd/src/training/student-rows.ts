/** The student on a micro-batch: one pass, and of it the rows that predict tokens. */
import { crossEntropy, flatten, type LogitPolicy, linearCrossEntropy, type Params } from '@gimbal/tensor-core';
import { reshape, type Scalar, slice, type Tensor2D, type Tensor3D, tensor1d } from '@tensorflow/tfjs-core';
import { takeRows } from '../rows/chunked-distill-loss.ts';
import { packedStates, packs } from '../rows/packed-states.ts';
import type { MicroBatch } from './examples.ts';

/** Logits `[R, V]`, or states `[R, D]` and the head `[V, D]` that makes them. */
export type StudentRows = { logits: Tensor2D } | { hidden: Tensor2D; head: Tensor2D };

/**
 * Differentiable in `params`.
 * @param o `columns`: V, where the model's own logits are wider: what lies behind is no token; `packing`: in one line, without
 * padding, where the model reads one
 */
export function studentRows(
  student: LogitPolicy,
  params: Params,
  { prompts, completions, places }: Pick<MicroBatch, 'prompts' | 'completions' | 'places'>,
  { columns, packing = false }: { columns?: number | undefined; packing?: boolean } = {},
): StudentRows {
  const narrow = (x: Tensor2D, axis: 0 | 1): Tensor2D => {
    if (columns === undefined || (x.shape[axis] as number) <= columns) return x;
    return slice(x, [0, 0], axis === 0 ? [columns, x.shape[1]] : [x.shape[0], columns]);
  };
  if (packing && packs(student))
    return {
      hidden: packedStates(student, params, prompts, completions),
      head: narrow(student.head(params), 0),
    };
  if (student.hidden === undefined) {
    const logits = takeRows(student.logits(params, prompts, completions) as Tensor3D, places);
    return { logits: narrow(logits, 1) };
  }
  const { states, head } = student.hidden(params, prompts, completions);
  return { hidden: takeRows(states, places), head: narrow(head, 0) };
}

/** Whether a model's head is among the parameters that are trained. */
export function trainsHead(student: LogitPolicy, params: Params): boolean {
  const { head } = student as { head?(params: Params): Tensor2D };
  if (head === undefined) return true;
  const own = head(params);
  return flatten(params).some(([, leaf]) => leaf.dataId === own.dataId);
}

/** Some of the rows. */
export function pickRows(student: StudentRows, rows: Int32Array | undefined): StudentRows {
  if (rows === undefined) return student;
  const pick = (x: Tensor2D): Tensor2D => takeRows(reshape(x, [1, ...x.shape]) as Tensor3D, rows);
  return 'logits' in student ? { logits: pick(student.logits) } : { hidden: pick(student.hidden), head: student.head };
}

/** Σ c · log q of the rows' tokens; differentiable in the student's rows. A row of coefficient 0 is left out. */
export function weightedLogProbs(student: StudentRows, ids: Int32Array, coefficients: Float32Array): Scalar {
  const targets = tensor1d(ids, 'int32');
  // the op's loss is −log q
  const weights = tensor1d(coefficients.map((c) => -c));
  const options = { weights, reduction: 'sum' as const };
  return 'logits' in student
    ? crossEntropy<Scalar>(student.logits, targets, options)
    : linearCrossEntropy<Scalar>(student.hidden, student.head, targets, options);
}

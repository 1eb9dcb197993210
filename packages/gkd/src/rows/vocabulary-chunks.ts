/**
 * Σ w D over rows whose logits are made some columns at a time: for vocabularies of which even a few rows are too much. Three
 * passes over both heads, as a softmax needs its sum first: log Σ exp of both sides, the sums of D and of its gradient, then
 * each part's gradient, which leaves for states and head at once. Twice the products of chunks of rows.
 */
import { type DivergenceOptions, divergencePart, divergencePartGradient, linear, logSumExp } from '@gimbal/tensor-core';
import {
  add,
  concat,
  gather,
  gatherND,
  matMul,
  mul,
  reshape,
  slice,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tensor1d,
  tensor2d,
  tidy,
  unstack,
} from '@tensorflow/tfjs-core';
import type { DenseRows } from './aligned-rows.ts';

export interface VocabularyInput {
  /** the student's states `[R, D]` and head `[V, D]` */
  states: Tensor2D;
  head: Tensor2D;
  /** of the same rows */
  teacher: DenseRows;
  /** of D of each row `[R]` */
  weights: Tensor1D;
  /** the completion's own tokens `[R]` */
  ids: Int32Array;
  divergence: DivergenceOptions;
  /** columns whose logits are there at a time, ≥ 1 */
  columns: number;
  /** false: the head's gradient is not computed */
  trainsHead: boolean;
}

/** @returns D, log q and log p of the own tokens `[R]`, measures `[R, 4]`, gradients; the caller's scope owns them */
export function vocabularyPass(o: VocabularyInput): {
  values: Tensor1D;
  logQ: Tensor1D;
  logP: Tensor1D;
  measures: Tensor2D;
  dStates: Tensor2D;
  dHead: Tensor2D | undefined;
} {
  const { states, head, teacher, ids, divergence, weights } = o;
  const [V] = head.shape;
  const [rows] = states.shape;
  const parts = Array.from({ length: Math.ceil(V / o.columns) }, (_, i): [from: number, count: number] => [
    i * o.columns,
    Math.min(o.columns, V - i * o.columns),
  ]);
  const student = (from: number, count: number): Tensor2D => product(states, head, from, count);
  const target = (from: number, count: number): Tensor2D =>
    'full' in teacher
      ? slice(teacher.full, [0, from], [rows, count])
      : product(teacher.hidden, teacher.head, from, count);
  const { temperature = 1, targetTemperature = 1 } = divergence;

  // at the temperatures of D, and as they are: the own tokens' probabilities
  const sums4 = parts.map(([from, count]) =>
    tidy(() => {
      const [z, y] = [student(from, count), target(from, count)];
      const of = (x: Tensor2D, t: number): Tensor => logSumExp(t === 1 ? x : mul(x, 1 / t), -1);
      return stack([of(z, temperature), of(y, targetTemperature), of(z, 1), of(y, 1)], 1); // [R, 4]
    }),
  );
  const lse = logSumExp<Tensor2D>(stack(sums4, 2), -1);
  const normalizers = slice(lse, [0, 0], [rows, 2]);
  const plain = unstack(slice(lse, [0, 2], [rows, 2]), 1) as [Tensor1D, Tensor1D];

  let sums: Tensor2D | undefined;
  for (const [from, count] of parts) {
    const before = sums;
    sums = tidy(() => {
      const part = divergencePart(student(from, count), target(from, count), normalizers, divergence);
      return before === undefined ? part : add<Tensor2D>(before, part);
    });
    before?.dispose();
  }
  const all = sums as Tensor2D; // [R, 6]

  let dStates: Tensor2D | undefined;
  const dHeads: Tensor2D[] = [];
  for (const [from, count] of parts) {
    const before = dStates;
    const found = tidy(() => {
      const given = { normalizers, sums: all, upstream: weights };
      const g = divergencePartGradient(student(from, count), target(from, count), given, divergence); // [R, count]
      const ofStates = matMul(g, slice(head, [from, 0], [count, head.shape[1]])) as Tensor2D;
      return {
        states: before === undefined ? ofStates : add<Tensor2D>(before, ofStates),
        ...(o.trainsHead && { head: matMul(g, states, true, false) as Tensor2D }),
      };
    });
    before?.dispose();
    dStates = found.states;
    if (found.head !== undefined) dHeads.push(found.head);
  }

  const own = (hidden: Tensor2D, matrix: Tensor2D): Tensor =>
    sum(mul(hidden, gather(matrix, tensor1d(ids, 'int32'))), 1);
  const ofTeacher = (): Tensor => {
    if (!('full' in teacher)) return own(teacher.hidden, teacher.head);
    const places = tensor2d(
      Array.from(ids, (id, r) => [r, id]),
      [rows, 2],
      'int32',
    );
    return gatherND(teacher.full, places);
  };
  return {
    values: reshape(slice(all, [0, 0], [rows, 1]), [rows]),
    logQ: sub<Tensor1D>(own(states, head), plain[0]),
    logP: sub<Tensor1D>(ofTeacher(), plain[1]),
    measures: slice(all, [0, 2], [rows, 4]),
    dStates: dStates as Tensor2D,
    dHead: o.trainsHead ? (concat(dHeads, 0) as Tensor2D) : undefined,
  };
}

/** Logits `[R, count]` of some of the tokens. */
const product = (states: Tensor2D, head: Tensor2D, from: number, count: number): Tensor2D =>
  linear<Tensor2D>(states, slice(head, [from, 0], [count, head.shape[1]]), { weightLayout: 'out-in' });

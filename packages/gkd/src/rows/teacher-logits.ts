/** A teacher's logits of some rows, from the whole or made for them. */
import { linear } from '@gimbal/tensor-core';
import { keep, slice, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import type { TeacherRows } from '../teachers/teacher.ts';
import type { AlignedRows, DenseRows } from './aligned-rows.ts';

export const isDense = (rows: TeacherRows | AlignedRows): rows is DenseRows => 'full' in rows || 'hidden' in rows;

/** How many rows there are: of aligned ones, the student's tokens. */
export function rowCount(rows: TeacherRows | AlignedRows): number {
  if ('aligned' in rows) return rows.aligned.spans.length;
  if ('full' in rows) return rows.full.shape[0];
  if ('hidden' in rows) return rows.hidden.shape[0];
  return 'topK' in rows ? rows.topK.tail.length : rows.sampled.length;
}

/** V; undefined where the rows do not say. */
export function teacherWidth(rows: TeacherRows): number | undefined {
  if ('full' in rows) return rows.full.shape[1];
  return 'hidden' in rows ? rows.head.shape[0] : undefined;
}

/** Rows `from` on, their logits not made yet; the caller's scope owns what is new. */
export function someRows(rows: DenseRows, from: number, count: number): DenseRows {
  const part = (x: Tensor2D): Tensor2D =>
    from === 0 && count === x.shape[0] ? x : slice(x, [from, 0], [count, x.shape[1]]);
  return 'full' in rows ? { full: part(rows.full) } : { hidden: part(rows.hidden), head: rows.head };
}

/** Logits `[count, V]` of rows `from` on; the caller's scope owns them. */
export function teacherLogits(rows: DenseRows, from: number, count: number): Tensor2D {
  const some = someRows(rows, from, count);
  return 'full' in some ? some.full : linear<Tensor2D>(some.hidden, some.head, { weightLayout: 'out-in' });
}

/** Only the first V columns: what lies behind is no token. The rows that came are disposed where it takes new ones. */
export function narrowed(rows: TeacherRows, V: number): TeacherRows {
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

/** Disposes the tensors of rows; a head is a tensor of its own on the model's numbers, which stay. */
export function disposeRows(rows: TeacherRows | AlignedRows): void {
  if ('aligned' in rows) disposeRows(rows.aligned.rows);
  if ('full' in rows) rows.full.dispose();
  if ('hidden' in rows) {
    rows.hidden.dispose();
    rows.head.dispose();
  }
}

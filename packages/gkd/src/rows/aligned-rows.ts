/** What a teacher says of rows: whole distributions, or those of stretches of text where it has another tokenizer. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { TeacherRows } from '../teachers/teacher.ts';

/** Rows of whole distributions. */
export type DenseRows = Extract<TeacherRows, { full: Tensor2D } | { hidden: Tensor2D }>;

/** A partition of two vocabularies into parts that both have. */
export interface SharedCells {
  /** part of each of the student's tokens `[V]` */
  own: Int32Array;
  /** part of each of the teacher's `[V']` */
  other: Int32Array;
  /** how many there are */
  count: number;
}

/** What a teacher says of stretches of text. Tensors belong to the caller. */
export interface AlignedRows {
  aligned: {
    /** its distributions of the first token of each stretch `[S, V']` */
    rows: DenseRows;
    /** log p of each stretch, all of its tokens `[S]` */
    logProbs: Float32Array;
    /** its first token `[S]` */
    first: Int32Array;
    /** how many tokens it is to the teacher `[S]` */
    lengths: Int32Array;
    /** log p of the stretch, shared among the student's tokens `[R]` */
    sampled: Float32Array;
    /** number of the stretch of each of the student's tokens, rising; −1: it has no text `[R]` */
    spans: Int32Array;
    /** of a hybrid */
    cells?: SharedCells;
  };
}

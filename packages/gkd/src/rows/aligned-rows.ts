/** What a teacher says of rows: whole distributions, or those of stretches of text where it has another tokenizer. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { TeacherRows } from '../teachers/teacher.ts';

/** Rows of whole distributions. */
export type DenseRows = Extract<TeacherRows, { full: Tensor2D } | { hidden: Tensor2D }>;

/** Ids of the tokens that two vocabularies write alike, and of the others. */
export interface MatchedTokens {
  /** `own[i]` and `other[i]` are one token */
  own: Int32Array;
  other: Int32Array;
  /** the student's and the teacher's that have no twin */
  ownRest: Int32Array;
  otherRest: Int32Array;
}

/** What a teacher says of stretches of text. Tensors belong to the caller. */
export interface AlignedRows {
  aligned: {
    /** its distributions of the first token of each stretch `[S, V']` */
    rows: DenseRows;
    /** log p of the stretch's further tokens `[S]` */
    further: Float32Array;
    /** log p of the stretch, shared among the student's tokens `[R]` */
    sampled: Float32Array;
    /** number of the stretch of each of the student's tokens, rising; −1: it has no text `[R]` */
    spans: Int32Array;
    /** of a hybrid */
    matched?: MatchedTokens;
  };
}

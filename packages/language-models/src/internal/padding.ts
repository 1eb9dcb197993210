// Rows of unequal length in one batch.
import { type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';

/** What a batch says of its rows. */
interface Rows {
  readonly lengths: Int32Array;
  /** Tokens of a row with its padding. */
  readonly width: number;
}

/** Added to the score of what no query may see: far below every score, yet finite. */
export const hiddenScore = -1e30;

/** Whether any row is shorter than the batch. */
export const isPadded = ({ lengths, width }: Rows): boolean => lengths.some((length) => length < width);

/** Ones on tokens, zeros on padding [B,T]. */
export function maskOf({ lengths, width }: Rows): Tensor2D {
  const mask = new Float32Array(lengths.length * width);
  lengths.forEach((length, b) => {
    mask.fill(1, b * width, b * width + length);
  });
  return tensor2d(mask, [lengths.length, width]);
}

// Rows padded on the left, as some tokenizers give them, moved to the left edge.

import type { EncoderBatch } from '@gimbal/language-models';
import { DataError } from '@gimbal/tensor-core';

/** Rows of tokens to be scored: padded on the right or, with `starts`, on the left. */
export interface ScoredBatch extends EncoderBatch {
  /** [B], where the tokens of each row begin; `lengths` counts from there (all 0: padded on the right). */
  readonly starts?: Int32Array;
}

/**
 * The same rows padded on the right.
 * @throws DataError where a row would reach beyond the width
 */
export function alignRows({ starts, ...batch }: ScoredBatch, padId: number): EncoderBatch {
  if (starts === undefined || starts.every((start) => start === 0)) return batch;
  const { ids, types, width, lengths } = batch;
  const move = (from: Int32Array, fill: number): Int32Array => {
    const to = new Int32Array(from.length).fill(fill);
    lengths.forEach((length, b) => {
      const start = b * width + (starts[b] as number);
      to.set(from.subarray(start, start + length), b * width);
    });
    return to;
  };
  const wide = lengths.findIndex((length, b) => (starts[b] ?? -1) < 0 || (starts[b] as number) + length > width);
  if (wide >= 0) {
    throw new DataError({
      where: 'score',
      what: `row ${wide} reaches beyond the batch`,
      got: `start ${starts[wide]}, length ${lengths[wide]}`,
      wanted: `at most ${width} in all`,
    });
  }
  return { ids: move(ids, padId), width, lengths, ...(types && { types: move(types, 0) }) };
}

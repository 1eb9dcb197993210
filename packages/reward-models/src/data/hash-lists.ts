// A run goes on with the rows it was trained on: others of the same number would pass unseen.
import { hashWords } from '@gimbal/tensor-core';

/** A name for lists of numbers (float64), in their order: what a run's configuration says of its rows. */
export function hashLists(lists: Iterable<ArrayLike<number>>): string {
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  const all = function* (): Generator<number> {
    for (const list of lists) {
      yield list.length; // no two lists run into one
      for (let i = 0; i < list.length; i++) {
        value[0] = list[i] as number;
        yield* words;
      }
    }
  };
  return hashWords(all());
}

/**
 * Copies a tree's values into the variables of another: how loaded parameters and optimiser states reach a trainer.
 */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { CheckpointError } from '../errors.ts';
import { flatten, type Params } from '../tree/params.ts';

/**
 * Gives the variables of a tree the values of another.
 * @param targets variables
 * @param sources tensors at the same paths, of the same shapes and dtypes; not disposed, values are shared, not copied
 * @throws CheckpointError naming the first path that is missing, left over, or of another shape; nothing is changed then
 */
export function assignTree(targets: Params, sources: Params, where: string): void {
  const given = new Map<string, Tensor>(flatten(sources));
  const pairs: [Variable, Tensor][] = [];
  for (const [path, target] of flatten(targets)) {
    const source = given.get(path);
    given.delete(path);
    if (source === undefined) throw new CheckpointError({ where, what: `there is no tensor ${path}` });
    if (source.dtype !== target.dtype || String(source.shape) !== String(target.shape)) {
      throw new CheckpointError({
        where,
        what: `tensor ${path}`,
        got: `${source.dtype} [${source.shape}]`,
        wanted: `${target.dtype} [${target.shape}]`,
      });
    }
    pairs.push([target as Variable, source]);
  }
  const [extra] = given.keys();
  if (extra !== undefined)
    throw new CheckpointError({ where, what: `there is a tensor that nothing here is called: ${extra}` });
  for (const [target, source] of pairs) target.assign(source);
}

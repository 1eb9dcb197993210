// The start of a reward or preference model: the weights of a language model under a new head.

import type { Classifier } from '@gimbal/language-models';
import { flatten, type Params, type Rng, unflatten } from '@gimbal/tensor-core';
import { clone, type Tensor } from '@tensorflow/tfjs-core';

/** The path of the matrix whose outputs are the scores. */
export function scorePath({ parameters }: Pick<Classifier, 'parameters'>): string {
  const last = parameters.filter(({ path }) => /(?:classifier|out_proj|score)\.weight$/.test(path)).at(-1);
  return (last as { path: string }).path;
}

/**
 * Parameters with the body of a language model (its output matrix is left out) and a new head.
 * @param body the tree of a decoder or an encoder of the same config; not disposed, nothing is copied until it changes
 * @returns the caller disposes the tree
 */
export function withBody({ classifier }: { classifier: Classifier }, body: Params, rng: Rng): Params {
  const fresh = classifier.init(rng);
  const known = new Map<string, Tensor>(flatten(body));
  const leaves = flatten(fresh).map(([path, tensor]): [string, Tensor] => {
    const found = known.get(path);
    if (found === undefined || String(found.shape) !== String(tensor.shape)) return [path, tensor];
    tensor.dispose();
    return [path, clone(found)];
  });
  return unflatten(leaves);
}

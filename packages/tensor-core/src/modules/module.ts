import type { Rng } from '../random/rng.ts';
import type { Params } from '../tree/params.ts';

/** What a module may want to know beside its input. */
export interface ApplyOptions {
  /** Whether this is training: dropout is active only then. Default false. */
  training?: boolean;
  /** Where training noise comes from; split by the caller for each step. */
  rng?: Rng;
}

/**
 * A model or a part of one: a description with two pure functions. The weights are not in it: `init` makes them, `apply`
 * is given them, so that averaging, freezing, gradients and saving are functions of the tree.
 */
export interface Module<I, O> {
  /** Fresh parameters. The caller disposes them. */
  init(rng: Rng): Params;
  /** The output; the caller disposes it. */
  apply(params: Params, input: I, o?: ApplyOptions): O;
}

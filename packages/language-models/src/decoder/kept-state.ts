// What a generation leaves for the next one: its caches and its captured step, while the weights are packed. Made anew,
// they would cost a call as much as three further tokens.
//
// Owner: the packing of the parameters (packing.ts). It holds the newest idle state, one at most, and frees it with its
// last user. A generation takes the state, so that two at the same time have one each, and gives it back.
import { backendExtensions, flatten, type Params } from '@gimbal/tensor-core';
import { getBackend } from '@tensorflow/tfjs-core';
import { holderOf, type Kept } from './packing.ts';

/** What the commands of a captured step are bound to: it may run again only where all of it is the same. */
export interface StateTerms {
  /** Rows, capacity, padding, backend and precision. */
  readonly shape: string;
  /** Storage of the parameters, and of their packed copies, which go when a weight is written in place. */
  readonly storage: readonly unknown[];
}

/** A state that may serve another generation. */
export interface KeepableState extends Kept {
  /** What it is bound to; undefined where it serves one generation only. */
  readonly terms: StateTerms | undefined;
}

/** The terms of a generation that begins now; undefined where steps are not captured. */
export function stateTerms(params: Params, batch: number, capacity: number, padded: boolean): StateTerms | undefined {
  const backend = backendExtensions();
  if (backend === undefined) return undefined;
  return {
    shape: JSON.stringify([getBackend(), backend.precision, batch, capacity, padded]),
    storage: flatten(params).flatMap(([, weight]) => [weight.dataId, backend.packedCopies(weight)]),
  };
}

const sameTerms = (a: StateTerms, b: StateTerms): boolean =>
  a.shape === b.shape && a.storage.length === b.storage.length && a.storage.every((each, i) => each === b.storage[i]);

/** The state that the last generation left, if it fits; one that does not is freed. The caller owns it. */
export function takeKept(params: Params, terms: StateTerms | undefined): KeepableState | undefined {
  const holder = holderOf(params);
  const state = holder?.kept as KeepableState | undefined;
  if (holder === undefined || state === undefined) return undefined;
  holder.kept = undefined;
  if (terms !== undefined && state.terms !== undefined && sameTerms(terms, state.terms)) return state;
  state.free();
  return undefined;
}

/** Gives a state to the packing of its parameters. @returns whether there is one; else the caller frees the state */
export function keepState(params: Params, state: KeepableState): boolean {
  const holder = holderOf(params);
  if (holder === undefined) return false;
  holder.kept?.free();
  holder.kept = state;
  return true;
}

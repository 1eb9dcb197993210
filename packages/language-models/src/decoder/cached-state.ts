// What the states of all decoders with caches of keys and values share: the caches, the step that is captured on them, and
// that they are kept for the next decoding while the weights stay packed (kept-state.ts).
import type { CapturedStep, DecodeState, KvLayer, Params } from '@gimbal/tensor-core';
import { type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { type KeepableState, keepState, type StateTerms } from './kept-state.ts';

/** A captured step with the name of what it draws. */
export interface KeptStep {
  /** Only a decoding that draws the same goes on with it. */
  readonly draws: string;
  /** The step. */
  readonly step: CapturedStep<'ids' | 'positions' | 'place' | 'uniform', { [name: string]: Tensor }>;
}

/** The state of a decoding with caches of keys and values [B,C,H,D], one a block. Owns them. */
export class CachedState implements DecodeState, KeepableState {
  /** Rows of the batch. */
  batch: number;
  /** Keys and values of the tokens so far, of each block. */
  readonly caches: readonly KvLayer[];
  /** What a captured step on this state is bound to; undefined where it is not kept for another decoding. */
  terms: StateTerms | undefined;
  /** The captured step that goes on with this state, and what it draws. */
  step: KeptStep | undefined;
  readonly #params: Params;
  #live = true;

  /** @param params whose packing keeps the state, if it has terms */
  constructor(params: Params, batch: number, caches: readonly KvLayer[], terms: StateTerms | undefined) {
    this.#params = params;
    this.batch = batch;
    this.caches = caches;
    this.terms = terms;
  }

  /** Tokens in the caches so far, padding on the left included. */
  get length(): number {
    return this.caches[0]?.length ?? 0;
  }

  /** Says that so many columns are filled: after a replay of a captured step, which does not count them itself. */
  setLength(length: number): void {
    for (const cache of this.caches) cache.length = length;
  }

  /** Positions of the next column [B]. */
  nextPositions(): Int32Array {
    return new Int32Array(this.batch).fill(this.length);
  }

  /** Goes on with these rows, in this order. */
  select(rows: Int32Array): void {
    this.terms = undefined; // the tensors are others from now on
    const index = tensor1d(rows, 'int32');
    for (const cache of this.caches) tidy(() => cache.select(index));
    index.dispose();
    this.batch = rows.length;
  }

  /** Begins again, with empty caches. */
  protected revive(): void {
    this.setLength(0); // what the caches hold beyond is overwritten before it is read
    this.#live = true;
  }

  /** Ends the decoding: the packing of the parameters keeps the state for the next one, or it is freed. */
  dispose(): void {
    if (!this.#live) return;
    this.#live = false;
    if (this.terms === undefined || !keepState(this.#params, this)) this.free();
  }

  /** Frees all that it holds. */
  free(): void {
    this.#live = false;
    this.step?.step.dispose();
    this.step = undefined;
    for (const cache of this.caches) cache.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

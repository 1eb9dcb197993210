// The state of a generation: one cache of keys and values for each layer, for one batch under one tree of parameters.
// Prompts of unequal length are padded on the left, so that every row writes its next token into the same column.
import {
  backendExtensions,
  type CapturedStep,
  type DecodeState,
  type KvLayer,
  kvCache,
  type Params,
  type TokenBatch,
} from '@gimbal/tensor-core';
import { keep, type Tensor, type Tensor1D, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { rowOf } from '../data/token-batch.ts';
import type { DecoderConfig } from './config.ts';
import { keepState, type StateTerms } from './kept-state.ts';

/** A captured step of generation with the name of what it draws. */
export interface KeptStep {
  readonly draws: string;
  readonly step: CapturedStep<'ids' | 'positions' | 'place' | 'uniform', { [name: string]: Tensor }>;
}

export class DecoderState implements DecodeState {
  /** Rows of the batch. */
  batch: number;
  readonly caches: readonly KvLayer[];
  /** The prompts, padded on the left [B·P]. */
  prompt: Int32Array;
  promptWidth: number;
  /** Column where each row starts [B]; undefined where no row is padded. */
  starts: Int32Array | undefined;
  /** The same as a tensor, kept for the attention of every step. */
  startsTensor: Tensor1D | undefined;

  /** What a captured step on this state is bound to; undefined where it is not kept for another generation. */
  terms: StateTerms | undefined;
  /** The captured step that goes on with this state, and what it draws. */
  step: KeptStep | undefined;
  readonly #params: Params;
  #live = true;

  constructor(params: Params, prompts: TokenBatch, capacity: number, c: DecoderConfig, terms?: StateTerms) {
    const { batch, width, ids, starts } = leftPadded(prompts);
    this.#params = params;
    this.terms = terms;
    this.batch = batch;
    this.promptWidth = width;
    this.prompt = ids;
    this.starts = starts;
    this.startsTensor = starts && keep(tensor1d(starts, 'int32'));
    this.caches = Array.from({ length: c.layers }, () =>
      kvCache({ batch: this.batch, kvHeads: c.kvHeads, headDim: c.headWidth, maxLength: capacity }),
    );
  }

  /** Begins again with other prompts of the same number and capacity, padded if these were. */
  restart(prompts: TokenBatch): void {
    const { width, ids, starts } = leftPadded(prompts);
    this.promptWidth = width;
    this.prompt = ids;
    this.starts = starts;
    if (starts && this.startsTensor) backendExtensions()?.overwrite(this.startsTensor, starts);
    this.setLength(0); // what the caches hold beyond is overwritten before it is read
    this.#live = true;
  }

  /** Tokens in the cache so far, padding on the left included. */
  get length(): number {
    return this.caches[0]?.length ?? 0;
  }

  /** Says that so many columns are filled: after a replay of a captured step, which does not count them itself. */
  setLength(length: number): void {
    for (const cache of this.caches) cache.length = length;
  }

  /** Positions of the next column [B], counted from each row's own start. */
  nextPositions(): Int32Array {
    const positions = new Int32Array(this.batch).fill(this.length);
    this.starts?.forEach((start, b) => {
      positions[b] = this.length - start;
    });
    return positions;
  }

  /**
   * Positions of the next `time` columns [B,T], counted from each row's own start; undefined where they are 0, 1, 2, …
   * in every row, which needs no table. The caller disposes it.
   */
  positions(time: number): Tensor2D | undefined {
    const { length, starts, batch } = this;
    if (length === 0 && starts === undefined) return undefined;
    const positions = new Int32Array(batch * time);
    for (let b = 0; b < batch; b++) {
      // padding has no position; 0 is one that any table has
      for (let t = 0; t < time; t++) positions[b * time + t] = Math.max(length + t - (starts?.[b] ?? 0), 0);
    }
    return tensor2d(positions, [batch, time], 'int32');
  }

  /** Goes on with these rows, in this order. */
  select(rows: Int32Array): void {
    this.terms = undefined; // the caches are other tensors from now on
    const index = tensor1d(rows, 'int32');
    for (const cache of this.caches) tidy(() => cache.select(index));
    index.dispose();
    this.batch = rows.length;
    const { starts } = this;
    if (starts === undefined) return;
    this.starts = rows.map((row) => starts[row] as number);
    this.startsTensor?.dispose();
    this.startsTensor = keep(tensor1d(this.starts, 'int32'));
  }

  /** Ends the generation: the packing of the parameters keeps the state for the next one, or it is freed. */
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
    this.startsTensor?.dispose();
    this.startsTensor = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Prompts that end in the same column [B·P], and where each begins (none where no row is padded). */
function leftPadded(prompts: TokenBatch) {
  const { lengths } = prompts;
  const batch = lengths.length;
  const width = lengths.reduce((a, b) => Math.max(a, b), 0);
  const ids = new Int32Array(batch * width);
  const starts = Int32Array.from(lengths, (length) => width - length);
  starts.forEach((start, row) => {
    ids.set(rowOf(prompts, row), row * width + start);
  });
  return { batch, width, ids, starts: starts.some((start) => start > 0) ? starts : undefined };
}

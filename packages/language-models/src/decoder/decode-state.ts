// The state of a generation: one cache of keys and values for each layer, for one batch under one tree of parameters.
// Prompts of unequal length are padded on the left, so that every row writes its next token into the same column.
import { backendExtensions, kvCache, type Params, type TokenBatch } from '@gimbal/tensor-core';
import { keep, type Tensor1D, type Tensor2D, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { rowOf } from '../data/token-batch.ts';
import { CachedState } from './cached-state.ts';
import type { DecoderConfig } from './config.ts';
import type { StateTerms } from './kept-state.ts';

export class DecoderState extends CachedState {
  /** The prompts, padded on the left [B·P]. */
  prompt: Int32Array;
  promptWidth: number;
  /** Column where each row starts [B]; undefined where no row is padded. */
  starts: Int32Array | undefined;
  /** The same as a tensor, kept for the attention of every step. */
  startsTensor: Tensor1D | undefined;

  constructor(params: Params, prompts: TokenBatch, capacity: number, c: DecoderConfig, terms?: StateTerms) {
    const { batch, width, ids, starts } = leftPadded(prompts);
    const caches = Array.from({ length: c.layers }, () =>
      kvCache({ batch, kvHeads: c.kvHeads, headDim: c.headWidth, maxLength: capacity }),
    );
    super(params, batch, caches, terms);
    this.promptWidth = width;
    this.prompt = ids;
    this.starts = starts;
    this.startsTensor = starts && keep(tensor1d(starts, 'int32'));
  }

  /** Begins again with other prompts of the same number and capacity, padded if these were. */
  restart(prompts: TokenBatch): void {
    const { width, ids, starts } = leftPadded(prompts);
    this.promptWidth = width;
    this.prompt = ids;
    this.starts = starts;
    if (starts && this.startsTensor) backendExtensions()?.overwrite(this.startsTensor, starts);
    this.revive();
  }

  /** Positions of the next column [B], counted from each row's own start. */
  override nextPositions(): Int32Array {
    const positions = super.nextPositions();
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
  override select(rows: Int32Array): void {
    super.select(rows);
    const { starts } = this;
    if (starts === undefined) return;
    this.starts = rows.map((row) => starts[row] as number);
    this.startsTensor?.dispose();
    this.startsTensor = keep(tensor1d(this.starts, 'int32'));
  }

  /** Frees all that it holds. */
  override free(): void {
    super.free();
    this.startsTensor?.dispose();
    this.startsTensor = undefined;
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

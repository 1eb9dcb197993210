// The state of a generation: one cache of keys and values for each layer, for one batch under one tree of parameters.
// Prompts of unequal length are padded on the left, so that every row writes its next token into the same column.
import { type DecodeState, type KvLayer, kvCache, type TokenBatch } from '@gimbal/tensor-core';
import { type Tensor1D, type Tensor2D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { rowOf } from '../data/token-batch.ts';
import type { DecoderConfig } from './config.ts';

export class DecoderState implements DecodeState {
  /** Rows of the batch. */
  batch: number;
  readonly caches: readonly KvLayer[];
  /** The prompts, padded on the left [B·P]. */
  readonly prompt: Int32Array;
  readonly promptWidth: number;
  /** Column where each row starts [B]; undefined where no row is padded. */
  starts: Int32Array | undefined;
  /** The same as a tensor, kept for the attention of every step. */
  startsTensor: Tensor1D | undefined;

  constructor(prompts: TokenBatch, capacity: number, c: DecoderConfig) {
    const { lengths } = prompts;
    this.batch = lengths.length;
    this.promptWidth = lengths.reduce((a, b) => Math.max(a, b), 0);
    const width = this.promptWidth;
    this.prompt = new Int32Array(this.batch * width);
    const starts = Int32Array.from(lengths, (length) => width - length);
    starts.forEach((start, row) => {
      this.prompt.set(rowOf(prompts, row), row * width + start);
    });
    this.starts = starts.some((start) => start > 0) ? starts : undefined;
    this.startsTensor = this.starts && tensor1d(this.starts, 'int32');
    this.caches = Array.from({ length: c.layers }, () =>
      kvCache({ batch: this.batch, kvHeads: c.kvHeads, headDim: c.headWidth, maxLength: capacity }),
    );
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
    const index = tensor1d(rows, 'int32');
    for (const cache of this.caches) tidy(() => cache.select(index));
    index.dispose();
    this.batch = rows.length;
    const { starts } = this;
    if (starts === undefined) return;
    this.starts = rows.map((row) => starts[row] as number);
    this.startsTensor?.dispose();
    this.startsTensor = tensor1d(this.starts, 'int32');
  }

  dispose(): void {
    for (const cache of this.caches) cache.dispose();
    this.startsTensor?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

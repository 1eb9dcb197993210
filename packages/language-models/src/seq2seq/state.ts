// The state of a generation with an encoder-decoder: of every block of the decoder the keys and values of the encoder's
// states, made once, and those of the tokens so far.
import type { DecodeState } from '@gimbal/tensor-core';
import { concat, gather, keep, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** Keys and values [B,H,S,D]. */
export type KeysAndValues = readonly [Tensor, Tensor];

export class Seq2SeqState implements DecodeState {
  /** Tokens of the decoder so far, the first included. */
  length = 0;
  batch: number;
  /** Of the encoder's states, for each block. */
  across: readonly KeysAndValues[];
  /** Of the decoder's tokens, for each block; empty before the first. */
  own: KeysAndValues[] = [];
  /** Added to the scores of the encoder's states [B,1,1,S]; undefined where no row is padded. */
  hidden: Tensor | undefined;

  /** Owns the tensors. */
  constructor(batch: number, across: readonly KeysAndValues[], hidden: Tensor | undefined) {
    this.batch = batch;
    this.across = across;
    this.hidden = hidden;
  }

  /** Joins the new keys and values of block `index` to those before, and keeps them. */
  append(index: number, fresh: KeysAndValues): KeysAndValues {
    const before = this.own[index];
    const joined = fresh.map((x, i) => keep(before === undefined ? x : concat([before[i] as Tensor, x], 2)));
    for (const tensor of before ?? []) tensor.dispose();
    this.own[index] = joined as unknown as KeysAndValues;
    return this.own[index] as KeysAndValues;
  }

  /** Goes on with these rows, in this order. */
  select(rows: Int32Array): void {
    const index = tensor1d(rows, 'int32');
    const pick = (x: Tensor): Tensor => {
      const picked = keep(gather(x, index));
      x.dispose();
      return picked;
    };
    tidy(() => {
      this.across = this.across.map(([k, v]) => [pick(k), pick(v)] as const);
      this.own = this.own.map(([k, v]) => [pick(k), pick(v)] as const);
      this.hidden = this.hidden && pick(this.hidden);
    });
    index.dispose();
    this.batch = rows.length;
  }

  dispose(): void {
    for (const tensor of [...this.across, ...this.own].flat()) tensor.dispose();
    this.hidden?.dispose();
    this.across = [];
    this.own = [];
    this.hidden = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

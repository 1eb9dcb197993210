// The state of a decoding: of every block the keys and values of the memory, made once for a code, and a cache of those of
// the tokens so far. While the weights stay packed it is kept for the next codes (language-models' kept states).

import { type KeepableState, keepState, type StateTerms } from '@gimbal/language-models';
import {
  backendExtensions,
  type CapturedStep,
  type DecodeState,
  type KvLayer,
  kvCache,
  type Params,
} from '@gimbal/tensor-core';
import { gather, keep, type Tensor, type Tensor3D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { KeysAndValues } from '../model/blocks.ts';
import type { Vec2TextConfig } from '../model/config.ts';

/** A captured step of decoding, with the name of what it draws. */
export interface KeptStep {
  readonly draws: string;
  readonly step: CapturedStep<'ids' | 'place' | 'uniform', { [name: string]: Tensor }>;
}

export class CodeState implements DecodeState, KeepableState {
  /** Rows. */
  batch: number;
  readonly caches: readonly KvLayer[];
  /** Of each block [B,M,d]; the state owns them. */
  memory: KeysAndValues[];
  terms: StateTerms | undefined;
  step: KeptStep | undefined;
  readonly #params: Params;
  #live = true;

  /** Owns the memory from now on. */
  constructor(params: Params, memory: KeysAndValues[], capacity: number, c: Vec2TextConfig, terms?: StateTerms) {
    this.#params = params;
    this.memory = memory;
    this.terms = terms;
    this.batch = memory[0]?.[0].shape[0] as number;
    const { heads, width } = c;
    this.caches = Array.from({ length: c.decoderLayers }, () =>
      kvCache({ batch: this.batch, kvHeads: heads, headDim: width / heads, maxLength: capacity }),
    );
  }

  /** Tokens in the caches so far. */
  get length(): number {
    return this.caches[0]?.length ?? 0;
  }

  /** Says that so many columns are filled: a replayed step does not count them itself. */
  setLength(length: number): void {
    for (const cache of this.caches) cache.length = length;
  }

  /** Begins again with the memory of other codes, which stays the caller's. */
  restart(memory: readonly KeysAndValues[]): void {
    const backend = backendExtensions();
    if (backend === undefined) return;
    const own = this.memory.flat();
    for (const [i, fresh] of memory.flat().entries()) backend.overwrite(own[i] as Tensor, backend.view(fresh));
    this.setLength(0); // what the caches hold beyond is overwritten before it is read
    this.#live = true;
  }

  /** Goes on with these rows, in this order. */
  select(rows: Int32Array): void {
    this.terms = undefined; // the tensors are others from now on
    tidy(() => {
      const index = tensor1d(rows, 'int32');
      for (const cache of this.caches) cache.select(index);
      const pick = (x: Tensor3D): Tensor3D => {
        const picked = keep(gather(x, index));
        x.dispose();
        return picked;
      };
      this.memory = this.memory.map(([k, v]) => [pick(k), pick(v)] as const);
    });
    this.batch = rows.length;
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
    for (const tensor of this.memory.flat()) tensor.dispose();
    this.memory = [];
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

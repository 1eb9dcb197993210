// What a family of decoders brings: the names, shapes and first values of its parameters, and its block as a pure
// function. Everything else (loss, generation, caches, files) is shared.
import type { Params } from '@gimbal/tensor-core';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { DecoderConfig } from './config.ts';

/** One parameter: its path, which is its name in a Hugging Face checkpoint, its shape and how it starts. */
export interface ParameterSpec {
  readonly path: string;
  readonly shape: readonly number[];
  /** Standard deviation of a normal start, or a constant. */
  readonly init: { readonly std: number } | { readonly constant: number };
}

/** One forward pass, as blocks see it: where tokens stand and how they attend, with a cache or without. */
export interface Pass {
  /** Position of the first column; 0 without a cache. */
  readonly offset: number;
  /** [B,T] int32, positions of each token where rows are padded on the left; else undefined. */
  readonly positions: Tensor | undefined;
  /** Attention of layer `layer` over all that it may see: three tensors, or one packed without k and v. */
  attend(layer: number, q: Tensor, k?: Tensor, v?: Tensor): Tensor3D;
  /**
   * What is needed of x [B,T,…] once layer `layer` has attended: all of it, or the last column where the layer is the
   * last one and nothing else is predicted (a prompt).
   */
  narrow<T extends Tensor>(layer: number, x: T): T;
  /** Whether activations are dropped in this pass. */
  readonly drops: boolean;
  /** Drops elements where this pass trains with dropout, with noise of its own for each place; else x itself. */
  drop<T extends Tensor>(x: T, place: string): T;
}

/** A family's functions; params is the whole tree, x the residual stream [B,T,D]. */
export interface Family {
  parameters(c: DecoderConfig): ParameterSpec[];
  /** ids [B,T] → [B,T,D] */
  embed(params: Params, ids: Tensor2D, c: DecoderConfig, pass: Pass): Tensor3D;
  /** The parameters of one block. */
  layer(params: Params, index: number): Params;
  /** [B,T,D] → [B,T,D] */
  block(layer: Params, x: Tensor3D, index: number, c: DecoderConfig, pass: Pass): Tensor3D;
  /** The last normalisation. */
  norm(params: Params, x: Tensor3D, c: DecoderConfig): Tensor3D;
  /** The output matrix [V,D]: the parameters' own tensor. */
  head(params: Params, c: DecoderConfig): Tensor2D;
  /** The path of the embedding [V,D]. The output matrix of its own is `lm_head.weight` in every family. */
  readonly embeddingPath: string;
  /** What stands in front of every name of the body; checkpoints without a head may lack it. */
  readonly prefix: string;
  /** How a matrix of the body is used; undefined for tables that are only looked up. */
  weightLayout(path: string): 'in-out' | 'out-in' | undefined;
  /** `config.json`. */
  toHuggingFace(c: DecoderConfig): Record<string, unknown>;
  /** @throws ConfigError for a config of this family that cannot be run */
  fromHuggingFace(json: Record<string, unknown>): DecoderConfig;
}

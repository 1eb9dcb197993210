// Encoder and decoder as functions of parameters: a text in, one vector out; the vector in, logits out. Nothing but the
// vector goes from one to the other.
import { attention, embedding, linear, type Params } from '@gimbal/tensor-core';
import {
  add,
  matMul,
  reshape,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
  tensor1d,
} from '@tensorflow/tfjs-core';
import { decoderBlock, type Extent, encoderBlock, type KeysAndValues, keysAndValues, norm } from './blocks.ts';
import type { Vec2TextConfig } from './config.ts';
import { branch, leaf } from './parameters.ts';

/** Rows of tokens as tensors. */
export interface Rows extends Extent {
  /** [B,L] int32 */
  readonly ids: Tensor2D;
  /** Position of each token [B,L] int32; undefined where they are 0, 1, 2, … */
  readonly positions?: Tensor2D | undefined;
  /** 1/count on tokens, 0 on padding [B,1,L]: the mean's weights. */
  readonly weights: Tensor3D;
}

/** The mean of the encoder's normalised states over the tokens [B,d]. */
export function pooledStates(params: Params, c: Vec2TextConfig, rows: Rows): Tensor2D {
  const [table, places] = [leaf(params, 'embedding', 'weight'), leaf(params, 'positions', 'weight')];
  let x = (
    rows.positions === undefined
      ? embedding(rows.ids, table, { positions: places })
      : add(embedding(rows.ids, table), embedding(rows.positions, places))
  ) as Tensor3D; // [B,L,d]
  for (let i = 0; i < c.encoderLayers; i++) x = encoderBlock(branch(params, 'encoder', i), x, c, rows);
  const states = norm(branch(params, 'encoder', 'norm'), x);
  return reshape(matMul(rows.weights, states), [-1, c.width]); // [B,1,L] · [B,L,d]
}

/** x W + b [B,N] */
export const dense = (params: Params, name: string, x: Tensor): Tensor2D =>
  linear(x, leaf(params, name, 'weight'), { bias: leaf(params, name, 'bias') });

/** Keys and values that each block of the decoder attends to: all that it knows of the text. */
export function memoryOf(params: Params, c: Vec2TextConfig, z: Tensor2D): KeysAndValues[] {
  const memory = reshape(dense(params, 'memory', z), [-1, c.memorySlots, c.width]) as Tensor3D; // [B,M,d]
  return Array.from({ length: c.decoderLayers }, (_, i) => keysAndValues(branch(params, 'decoder', i), memory));
}

/** The decoder's normalised states [B,T,d] before each token. @param attend of block `index` to the tokens so far */
export function decoderStates(
  params: Params,
  c: Vec2TextConfig,
  x: Tensor3D,
  memory: readonly KeysAndValues[],
  attend: (index: number, qkv: Tensor3D) => Tensor3D,
): Tensor3D {
  let y = x;
  for (let i = 0; i < c.decoderLayers; i++)
    y = decoderBlock(branch(params, 'decoder', i), y, c, (qkv) => attend(i, qkv), memory[i] as KeysAndValues);
  return norm(branch(params, 'decoder', 'norm'), y);
}

/** The decoder's states of whole texts [B,L,d]. @param shifted [B,L] int32 */
export function teacherForced(
  params: Params,
  c: Vec2TextConfig,
  memory: readonly KeysAndValues[],
  shifted: Tensor2D,
): Tensor3D {
  const x = embedding<Tensor3D>(shifted, leaf(params, 'embedding', 'weight'), {
    positions: leaf(params, 'positions', 'weight'),
  });
  return decoderStates(params, c, x, memory, (_, qkv) => attention(qkv, { heads: c.heads, causal: true }));
}

/** Far below every logit, yet finite. */
const banned = -1e9;

/** What is added to the logits of PAD, BOS and MASK, which are never the next token [V]. */
function bans(c: Vec2TextConfig): Tensor1D {
  const values = new Float32Array(c.vocabSize);
  for (const id of [c.padId, c.bosId, c.maskId]) values[id] = banned;
  return tensor1d(values);
}

/** Logits [..., V] of the decoder's states. */
export function toLogits<T extends Tensor>(params: Params, c: Vec2TextConfig, states: Tensor): T {
  const bias = add(leaf(params, 'output', 'bias'), bans(c));
  return linear<T>(states, leaf(params, 'output', 'weight'), { bias });
}

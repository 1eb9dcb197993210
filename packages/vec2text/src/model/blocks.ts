// The blocks of the two stacks, of tensor-core's fused ops: pre-norm, no biases in attention, ReLU MLPs.
//
//   encoder: x += out(attention(qkv(LN x)));  x += mlp(LN x)
//   decoder: x += out(causal attention);  x += out(attention(q(LN x), memory));  x += mlp(LN x)
import { attention, layerNorm, linear, mlp, type Params } from '@gimbal/tensor-core';
import type { Tensor, Tensor1D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Vec2TextConfig } from './config.ts';
import { branch, leaf } from './parameters.ts';

/** Where rows of tokens begin and end [B] int32; undefined where they fill their rows. */
export interface Extent {
  readonly starts?: Tensor1D | undefined;
  readonly lengths?: Tensor1D | undefined;
}

/** Keys and values of a memory [B,M,d]. */
export type KeysAndValues = readonly [keys: Tensor3D, values: Tensor3D];

/** LN x */
export const norm = (p: Params, x: Tensor3D): Tensor3D => layerNorm(x, leaf(p, 'weight'), leaf(p, 'bias'));

/** x W (+ residual) */
const project = (p: Params, x: Tensor, residual?: Tensor): Tensor3D => linear(x, leaf(p, 'weight'), { residual });

function feedForward(p: Params, x: Tensor3D, normed: Tensor3D): Tensor3D {
  const layers = ['in', 'out'].map((name) => ({ weight: leaf(p, name, 'weight'), bias: leaf(p, name, 'bias') }));
  return mlp(normed, layers, { activation: 'relu', residual: x });
}

/** One block of the encoder [B,L,d]. */
export function encoderBlock(p: Params, x: Tensor3D, c: Vec2TextConfig, { starts, lengths }: Extent): Tensor3D {
  const qkv = project(branch(p, 'self', 'qkv'), norm(branch(p, 'norm1'), x)); // [B,L,3d]
  const y = project(branch(p, 'self', 'out'), attention(qkv, { heads: c.heads, starts, lengths }), x);
  return feedForward(branch(p, 'mlp'), y, norm(branch(p, 'norm2'), y));
}

/**
 * One block of the decoder [B,T,d].
 * @param attend attention of packed queries, keys and values to the tokens so far
 * @param memory keys and values made of the code
 */
export function decoderBlock(
  p: Params,
  x: Tensor3D,
  c: Vec2TextConfig,
  attend: (qkv: Tensor3D) => Tensor3D,
  [keys, values]: KeysAndValues,
): Tensor3D {
  const qkv = project(branch(p, 'self', 'qkv'), norm(branch(p, 'norm1'), x));
  const y = project(branch(p, 'self', 'out'), attend(qkv), x);
  const q = project(branch(p, 'cross', 'q'), norm(branch(p, 'norm2'), y));
  const z = project(branch(p, 'cross', 'out'), attention(q, keys, values, { heads: c.heads }), y);
  return feedForward(branch(p, 'mlp'), z, norm(branch(p, 'norm3'), z));
}

/** Keys and values of the memory, for one block of the decoder. */
export const keysAndValues = (block: Params, memory: Tensor3D): KeysAndValues => [
  project(branch(block, 'cross', 'k'), memory),
  project(branch(block, 'cross', 'v'), memory),
];

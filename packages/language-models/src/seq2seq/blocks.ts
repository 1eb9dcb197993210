// T5's blocks (transformers' modeling_t5.py): before each branch an RMS norm, no biases, scores that are not scaled.
//
//   encoder: x += o(softmax(q kᵀ + bias) v); x += mlp(x)
//   decoder: x += self-attention; x += attention to the encoder's states, without bias; x += mlp(x)
import { activate, gatedActivation, type Params, rmsNorm } from '@gimbal/tensor-core';
import { add, matMul, reshape, softmax, type Tensor, type Tensor3D, transpose } from '@tensorflow/tfjs-core';
import { project } from '../adapters/project.ts';
import { branchAt, tensorAt } from '../decoder/params.ts';
import { splitHeads } from '../internal/heads.ts';
import type { Seq2SeqConfig } from './config.ts';

/** Drops elements of a branch's output where a pass trains with dropout. */
export type Drop = <T extends Tensor>(x: T, place: string) => T;

/** Keys and values of states, by head: two tensors [B,H,S,D]. */
export const keysAndValues = (attention: Params, states: Tensor, c: Seq2SeqConfig): readonly [Tensor, Tensor] => [
  splitHeads(project(branchAt(attention, 'k'), states, 'out-in'), c.heads),
  splitHeads(project(branchAt(attention, 'v'), states, 'out-in'), c.heads),
];

/**
 * The output of one attention [B,T,D].
 * @param attention its parameters q, k, v, o
 * @param bias added to the scores [B,H,T,S], broadcast
 */
function attend(
  attention: Params,
  x: Tensor3D,
  [keys, values]: readonly [Tensor, Tensor],
  bias: Tensor | undefined,
  c: Seq2SeqConfig,
): Tensor3D {
  const q = splitHeads(project(branchAt(attention, 'q'), x, 'out-in'), c.heads); // [B,H,T,D]
  const scores = matMul(q, keys, false, true); // [B,H,T,S]
  const seen = matMul(softmax(bias === undefined ? scores : add(scores, bias)), values);
  const [batch, , time] = seen.shape as [number, number, number, number];
  const joined = reshape(transpose(seen, [0, 2, 1, 3]), [batch, time, c.heads * c.headWidth]);
  return project(branchAt(attention, 'o'), joined, 'out-in');
}

const norm = (layer: Params, x: Tensor3D, c: Seq2SeqConfig): Tensor3D =>
  rmsNorm(x, tensorAt(layer, 'layer_norm', 'weight'), { epsilon: c.normEpsilon });

/** x + mlp(norm x) */
function feedForward(layer: Params, x: Tensor3D, c: Seq2SeqConfig, drop: Drop, place: string): Tensor3D {
  const p = branchAt(layer, 'DenseReluDense');
  const n = norm(layer, x, c);
  const h = c.gated
    ? gatedActivation(
        project(branchAt(p, 'wi_0'), n, 'out-in'),
        project(branchAt(p, 'wi_1'), n, 'out-in'),
        c.activation,
      )
    : activate(project(branchAt(p, 'wi'), n, 'out-in'), c.activation);
  return add(x, drop(project(branchAt(p, 'wo'), h, 'out-in'), place)) as Tensor3D;
}

/** One block of the encoder. */
export function encoderBlock(block: Params, x: Tensor3D, bias: Tensor, c: Seq2SeqConfig, drop: Drop): Tensor3D {
  const layer = branchAt(block, 'layer', 0);
  const self = branchAt(layer, 'SelfAttention');
  const n = norm(layer, x, c);
  const y = add(x, drop(attend(self, n, keysAndValues(self, n, c), bias, c), 'self')) as Tensor3D;
  return feedForward(branchAt(block, 'layer', 1), y, c, drop, 'mlp');
}

/**
 * One block of the decoder.
 * @param own the keys and values that the new ones join: gives all of them
 * @param across of the encoder's states, already made where they are kept
 */
export function decoderBlock(
  block: Params,
  x: Tensor3D,
  own: (fresh: readonly [Tensor, Tensor]) => readonly [Tensor, Tensor],
  across: readonly [Tensor, Tensor],
  biases: { own: Tensor; across: Tensor | undefined },
  c: Seq2SeqConfig,
  drop: Drop,
): Tensor3D {
  const [first, second] = [branchAt(block, 'layer', 0), branchAt(block, 'layer', 1)];
  const self = branchAt(first, 'SelfAttention');
  const n = norm(first, x, c);
  const y = add(x, drop(attend(self, n, own(keysAndValues(self, n, c)), biases.own, c), 'self')) as Tensor3D;
  const m = norm(second, y, c);
  const z = add(y, drop(attend(branchAt(second, 'EncDecAttention'), m, across, biases.across, c), 'across'));
  return feedForward(branchAt(block, 'layer', 2), z as Tensor3D, c, drop, 'mlp');
}

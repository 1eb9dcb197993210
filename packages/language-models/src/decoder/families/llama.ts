// Llama's block (Touvron et al., arXiv 2302.13971; transformers' modeling_llama.py): before each branch an RMS norm,
// rotary positions on queries and keys, grouped heads, a gated MLP with SiLU, no biases.
//
//   x += o(attention(rope(q(n)), rope(k(n)), v(n))),  n = rms(x)
//   x += down(silu(gate(n)) ⊙ up(n)),                 n = rms(x)
//
// Mistral, Qwen and Gemma are this block with norms on heads or outputs, biases, windows, caps or another activation: see
// traits.ts and the config.
import { embedding, gatedActivation, gatedMlp, type Params, rmsNorm, rotary } from '@gimbal/tensor-core';
import { add, mul, reshape, type Tensor, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import { isAdapted, project } from '../../adapters/project.ts';
import type { DecoderConfig } from '../config.ts';
import type { Family, ParameterSpec, Pass } from '../family.ts';
import { branchAt, tensorAt } from '../params.ts';
import { configFromJson, configToJson } from './llama-config.ts';
import { type LlamaLike, traitsOf } from './traits.ts';

// PyTorch's Linear keeps its weight as [out, in]; it is used as it lies, so loading and saving transpose nothing
const weightLayout = 'out-in';

function parameters(c: DecoderConfig): ParameterSpec[] {
  const { width: d, feedForward: f } = c;
  const { unitOffset, headNorms, outputNorms } = traitsOf(c);
  const [q, kv] = [c.heads * c.headWidth, c.kvHeads * c.headWidth];
  const std = c.initializerRange;
  // what each block adds to the stream starts smaller, so that its variance does not grow with depth (GPT-2)
  const residual = std / Math.sqrt(2 * c.layers);
  const weight = (path: string, shape: number[], deviation = std): ParameterSpec => ({
    path: `${path}.weight`,
    shape,
    init: { std: deviation },
  });
  // a norm starts as one whichever way its weight is written
  const scale = (path: string, size = d): ParameterSpec => ({
    path: `${path}.weight`,
    shape: [size],
    init: { constant: unitOffset ? 0 : 1 },
  });
  const biased = (path: string, rows: number, columns: number, deviation?: number): ParameterSpec[] => [
    weight(path, [rows, columns], deviation),
    ...(c.attentionBias && !(c.family === 'qwen2' && path.endsWith('o_proj'))
      ? [{ path: `${path}.bias`, shape: [rows], init: { constant: 0 } }]
      : []),
  ];
  const blocks = Array.from({ length: c.layers }, (_, i) => `model.layers.${i}`).flatMap((layer) => [
    scale(`${layer}.input_layernorm`),
    ...biased(`${layer}.self_attn.q_proj`, q, d),
    ...biased(`${layer}.self_attn.k_proj`, kv, d),
    ...biased(`${layer}.self_attn.v_proj`, kv, d),
    ...biased(`${layer}.self_attn.o_proj`, d, q, residual),
    ...(headNorms
      ? [scale(`${layer}.self_attn.q_norm`, c.headWidth), scale(`${layer}.self_attn.k_norm`, c.headWidth)]
      : []),
    scale(`${layer}.post_attention_layernorm`),
    ...(outputNorms ? [scale(`${layer}.pre_feedforward_layernorm`), scale(`${layer}.post_feedforward_layernorm`)] : []),
    weight(`${layer}.mlp.gate_proj`, [f, d]),
    weight(`${layer}.mlp.up_proj`, [f, d]),
    weight(`${layer}.mlp.down_proj`, [d, f], residual),
  ]);
  return [
    weight('model.embed_tokens', [c.vocabularySize, d]),
    ...blocks,
    scale('model.norm'),
    ...(c.tieEmbeddings ? [] : [weight('lm_head', [c.vocabularySize, d])]),
  ];
}

function block(layer: Params, x: Tensor3D, index: number, c: DecoderConfig, pass: Pass): Tensor3D {
  const { unitOffset, headNorms, outputNorms, activation } = traitsOf(c);
  const weight = (...keys: string[]): Tensor => tensorAt(layer, ...keys, 'weight');
  const norm = <T extends Tensor>(y: T, ...keys: string[]): T =>
    rmsNorm(y, weight(...keys), { epsilon: c.normEpsilon, unitOffset });
  // layers that slide may turn by frequencies of their own, which are never stretched
  const local = c.localRopeTheta !== undefined && c.slidingLayers?.[index] === true;
  const rope = local ? { theta: c.localRopeTheta as number } : { theta: c.ropeTheta, scaling: c.ropeScaling };
  const turn = (y: Tensor, heads: number): Tensor =>
    rotary(y, {
      heads,
      ...rope,
      ...(pass.positions === undefined ? { offset: pass.offset } : { positions: pass.positions }),
    });
  const perHead = (y: Tensor, heads: number, name: string): Tensor => {
    if (!headNorms) return y;
    const split = reshape(y, [...y.shape.slice(0, 2), heads, c.headWidth]); // [B,T,H,W]
    return reshape(norm(split, 'self_attn', name), y.shape);
  };
  const attn = (y: Tensor, name: string, residual?: Tensor): Tensor3D =>
    project(branchAt(layer, 'self_attn', name), y, weightLayout, residual);

  const n = norm(x, 'input_layernorm'); // [B,T,D]
  const q = turn(perHead(attn(n, 'q_proj'), c.heads, 'q_norm'), c.heads); // [B,T,H·W]
  const k = turn(perHead(attn(n, 'k_proj'), c.kvHeads, 'k_norm'), c.kvHeads); // [B,T,Hkv·W]
  const seen = pass.narrow(index, pass.attend(index, q, k, attn(n, 'v_proj')));
  const from = pass.narrow(index, x);
  const out = (residual?: Tensor): Tensor3D => attn(seen, 'o_proj', residual);
  const feed = (m: Tensor, residual?: Tensor): Tensor3D => feedForward(branchAt(layer, 'mlp'), m, activation, residual);

  if (outputNorms) {
    const y = add(from, pass.drop(norm(out(), 'post_attention_layernorm'), 'attention'));
    const fed = feed(norm(y, 'pre_feedforward_layernorm'));
    return add(y, pass.drop(norm(fed, 'post_feedforward_layernorm'), 'mlp')) as Tensor3D;
  }
  const y = pass.drops ? add(from, pass.drop(out(), 'attention')) : out(from);
  const m = norm(y, 'post_attention_layernorm');
  return (pass.drops ? add(y, pass.drop(feed(m), 'mlp')) : feed(m, y)) as Tensor3D;
}

/** down(act(gate m) ⊙ up m): one op, or three layers where one of them is more than a matrix. */
function feedForward(p: Params, m: Tensor, activation: 'silu' | 'gelu', residual?: Tensor): Tensor3D {
  const [gate, up, down] = ['gate_proj', 'up_proj', 'down_proj'].map((name) => branchAt(p, name)) as [
    Params,
    Params,
    Params,
  ];
  if (![gate, up, down].some(isAdapted)) {
    const weights = { gate: tensorAt(gate, 'weight'), up: tensorAt(up, 'weight'), down: tensorAt(down, 'weight') };
    return gatedMlp(m, weights, { activation, weightLayout, residual });
  }
  const h = gatedActivation(project(gate, m, weightLayout), project(up, m, weightLayout), activation);
  return project(down, h, weightLayout, residual);
}

function embed(params: Params, ids: Tensor2D, c: DecoderConfig, pass: Pass): Tensor3D {
  const x = embedding(ids, tensorAt(params, 'model', 'embed_tokens', 'weight')) as Tensor3D;
  // the reference rounds the root to the weights' type; here that is float32
  return pass.drop(
    traitsOf(c).scalesEmbedding ? (mul(x, Math.fround(Math.sqrt(c.width))) as Tensor3D) : x,
    'embedding',
  );
}

/** A family with Llama's names. */
export const llamaLike = (name: LlamaLike): Family => ({
  parameters,
  embed,
  layer: (params, index) => branchAt(params, 'model', 'layers', index),
  block,
  norm: (params, x, c) =>
    rmsNorm(x, tensorAt(params, 'model', 'norm', 'weight'), {
      epsilon: c.normEpsilon,
      unitOffset: traitsOf(c).unitOffset,
    }),
  head: (params, c) =>
    (c.tieEmbeddings
      ? tensorAt(params, 'model', 'embed_tokens', 'weight')
      : tensorAt(params, 'lm_head', 'weight')) as Tensor2D,
  embeddingPath: 'model.embed_tokens.weight',
  prefix: 'model.',
  weightLayout: (path) => (path.endsWith('_proj.weight') ? weightLayout : undefined),
  toHuggingFace: configToJson,
  fromHuggingFace: (json) => configFromJson(name, json),
});

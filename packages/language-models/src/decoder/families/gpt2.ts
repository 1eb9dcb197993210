// GPT-2's block (Radford et al. 2019; transformers' modeling_gpt2.py): learned positions, layer norm before each branch,
// one packed projection to queries, keys and values, an MLP with the tanh form of GELU, biases everywhere.
//
//   x += c_proj(attention(c_attn(ln_1 x)));  x += c_proj(gelu(c_fc(ln_2 x)));  logits = ln_f(x) wteᵀ
import { embedding, gelu, layerNorm, mlp, type Params } from '@gimbal/tensor-core';
import { add, type Tensor, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import { isAdapted, project } from '../../adapters/project.ts';
import { type DecoderConfig, decoderConfig } from '../config.ts';
import type { Family, ParameterSpec, Pass } from '../family.ts';
import { readConfig, specialIdsFromJson, specialIdsToJson } from '../huggingface-config.ts';
import { branchAt, tensorAt } from '../params.ts';

function parameters(c: DecoderConfig): ParameterSpec[] {
  const { width: d, feedForward: f, initializerRange: std } = c;
  const residual = std / Math.sqrt(2 * c.layers); // GPT-2, section 2.3
  const norm = (path: string): ParameterSpec[] => [
    { path: `${path}.weight`, shape: [d], init: { constant: 1 } },
    { path: `${path}.bias`, shape: [d], init: { constant: 0 } },
  ];
  // Conv1D in the reference: weights lie as [in, out]
  const projection = (path: string, rows: number, columns: number, deviation = std): ParameterSpec[] => [
    { path: `${path}.weight`, shape: [rows, columns], init: { std: deviation } },
    { path: `${path}.bias`, shape: [columns], init: { constant: 0 } },
  ];
  const blocks = Array.from({ length: c.layers }, (_, i) => `transformer.h.${i}`).flatMap((layer) => [
    ...norm(`${layer}.ln_1`),
    ...projection(`${layer}.attn.c_attn`, d, 3 * d),
    ...projection(`${layer}.attn.c_proj`, d, d, residual),
    ...norm(`${layer}.ln_2`),
    ...projection(`${layer}.mlp.c_fc`, d, f),
    ...projection(`${layer}.mlp.c_proj`, f, d, residual),
  ]);
  return [
    { path: 'transformer.wte.weight', shape: [c.vocabularySize, d], init: { std } },
    { path: 'transformer.wpe.weight', shape: [c.contextLength, d], init: { std } },
    ...blocks,
    ...norm('transformer.ln_f'),
    ...(c.tieEmbeddings ? [] : [{ path: 'lm_head.weight', shape: [c.vocabularySize, d], init: { std } }]),
  ];
}

const normalize = (x: Tensor3D, p: Params, c: DecoderConfig): Tensor3D =>
  layerNorm(x, tensorAt(p, 'weight'), tensorAt(p, 'bias'), { epsilon: c.normEpsilon });

const projection = (p: Params): { weight: Tensor; bias: Tensor } => ({
  weight: tensorAt(p, 'weight'),
  bias: tensorAt(p, 'bias'),
});

function block(layer: Params, x: Tensor3D, index: number, c: DecoderConfig, pass: Pass): Tensor3D {
  const through = (x: Tensor, keys: string[], residual?: Tensor): Tensor3D =>
    project(branchAt(layer, ...keys), x, 'in-out', residual);
  const qkv = through(normalize(x, branchAt(layer, 'ln_1'), c), ['attn', 'c_attn']); // [B,T,3D]
  const seen = pass.narrow(index, pass.attend(index, qkv)); // [B,T,D]
  const from = pass.narrow(index, x);
  const out = (residual?: Tensor): Tensor3D => through(seen, ['attn', 'c_proj'], residual);
  const y = (pass.drops ? add(from, pass.drop(out(), 'attention')) : out(from)) as Tensor3D;

  const m = normalize(y, branchAt(layer, 'ln_2'), c);
  const feed = (residual?: Tensor): Tensor3D => feedForward(branchAt(layer, 'mlp'), m, residual);
  return (pass.drops ? add(y, pass.drop(feed(), 'mlp')) : feed(y)) as Tensor3D;
}

/** c_proj(gelu(c_fc m)): one op, or two layers where one of them is more than a matrix. */
function feedForward(p: Params, m: Tensor, residual?: Tensor): Tensor3D {
  const [first, second] = [branchAt(p, 'c_fc'), branchAt(p, 'c_proj')];
  if (!isAdapted(first) && !isAdapted(second)) {
    return mlp(m, [projection(first), projection(second)], { activation: 'gelu', residual });
  }
  return project(second, gelu(project(first, m, 'in-out')), 'in-out', residual);
}

function embed(params: Params, ids: Tensor2D, _: DecoderConfig, pass: Pass): Tensor3D {
  const [table, places] = [
    tensorAt(params, 'transformer', 'wte', 'weight'),
    tensorAt(params, 'transformer', 'wpe', 'weight'),
  ];
  const x =
    pass.positions === undefined
      ? embedding(ids, table, { positions: places })
      : add(embedding(ids, table), embedding(pass.positions, places));
  return pass.drop(x as Tensor3D, 'embedding'); // [B,T,D]
}

export const gpt2: Family = {
  parameters,
  embed,
  layer: (params, index) => branchAt(params, 'transformer', 'h', index),
  block,
  norm: (params, x, c) => normalize(x, branchAt(params, 'transformer', 'ln_f'), c),
  head: (params, c) =>
    (c.tieEmbeddings
      ? tensorAt(params, 'transformer', 'wte', 'weight')
      : tensorAt(params, 'lm_head', 'weight')) as Tensor2D,
  embeddingPath: 'transformer.wte.weight',
  prefix: 'transformer.',
  weightLayout: (path) => (/\.c_\w+\.weight$/.test(path) ? 'in-out' : undefined),

  toHuggingFace: (c) => ({
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    vocab_size: c.vocabularySize,
    n_positions: c.contextLength,
    n_embd: c.width,
    n_layer: c.layers,
    n_head: c.heads,
    n_inner: c.feedForward,
    activation_function: 'gelu_new',
    layer_norm_epsilon: c.normEpsilon,
    resid_pdrop: c.dropout,
    embd_pdrop: c.dropout,
    attn_pdrop: 0,
    initializer_range: c.initializerRange,
    tie_word_embeddings: c.tieEmbeddings,
    ...specialIdsToJson(c),
  }),
  fromHuggingFace(json) {
    const read = readConfig(json);
    read.require('activation_function', ['gelu_new', 'gelu_pytorch_tanh'], 'gelu_new');
    read.require('scale_attn_weights', [true], true);
    read.require('scale_attn_by_inverse_layer_idx', [false], false);
    const width = read.number('n_embd', 768);
    return decoderConfig({
      family: 'gpt2',
      vocabularySize: read.number('vocab_size', 50257),
      contextLength: read.number('n_positions', 1024),
      width,
      layers: read.number('n_layer', 12),
      heads: read.number('n_head', 12),
      feedForward: read.number('n_inner', 4 * width),
      normEpsilon: read.number('layer_norm_epsilon', 1e-5),
      tieEmbeddings: read.boolean('tie_word_embeddings', true),
      dropout: read.number('resid_pdrop', 0.1),
      initializerRange: read.number('initializer_range', 0.02),
      ...specialIdsFromJson(json),
    });
  },
};

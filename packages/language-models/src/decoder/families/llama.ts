// Llama's block (Touvron et al., arXiv 2302.13971; transformers' modeling_llama.py): before each branch an RMS norm,
// rotary positions on queries and keys, grouped heads, a gated MLP with SiLU, no biases.
//
//   x += o(attention(rope(q(n)), rope(k(n)), v(n))),  n = rms(x)
//   x += down(silu(gate(n)) ⊙ up(n)),                 n = rms(x)
import {
  ConfigError,
  embedding,
  gatedMlp,
  linear,
  type Params,
  type RotaryScaling,
  rmsNorm,
  rotary,
} from '@gimbal/tensor-core';
import { add, type Tensor, type Tensor2D, type Tensor3D } from '@tensorflow/tfjs-core';
import { type DecoderConfig, decoderConfig } from '../config.ts';
import type { Family, ParameterSpec, Pass } from '../family.ts';
import { readConfig, specialIdsFromJson, specialIdsToJson } from '../huggingface-config.ts';
import { branchAt, tensorAt } from '../params.ts';

// PyTorch's Linear keeps its weight as [out, in]; it is used as it lies, so loading and saving transpose nothing
const weightLayout = 'out-in';

function parameters(c: DecoderConfig): ParameterSpec[] {
  const { width: d, feedForward: f } = c;
  const [q, kv] = [c.heads * c.headWidth, c.kvHeads * c.headWidth];
  const std = c.initializerRange;
  // what each block adds to the stream starts smaller, so that its variance does not grow with depth (GPT-2)
  const residual = std / Math.sqrt(2 * c.layers);
  const weight = (path: string, shape: number[], deviation = std): ParameterSpec => ({
    path: `${path}.weight`,
    shape,
    init: { std: deviation },
  });
  const scale = (path: string): ParameterSpec => ({ path: `${path}.weight`, shape: [d], init: { constant: 1 } });
  const blocks = Array.from({ length: c.layers }, (_, i) => `model.layers.${i}`).flatMap((layer) => [
    scale(`${layer}.input_layernorm`),
    weight(`${layer}.self_attn.q_proj`, [q, d]),
    weight(`${layer}.self_attn.k_proj`, [kv, d]),
    weight(`${layer}.self_attn.v_proj`, [kv, d]),
    weight(`${layer}.self_attn.o_proj`, [d, q], residual),
    scale(`${layer}.post_attention_layernorm`),
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
  const weight = (...keys: string[]): Tensor => tensorAt(layer, ...keys, 'weight');
  const turn = (y: Tensor, heads: number): Tensor =>
    rotary(y, {
      heads,
      theta: c.ropeTheta,
      scaling: c.ropeScaling,
      ...(pass.positions === undefined ? { offset: pass.offset } : { positions: pass.positions }),
    });
  const n = rmsNorm(x, weight('input_layernorm'), { epsilon: c.normEpsilon }); // [B,T,D]
  const project = (name: string): Tensor => linear(n, weight('self_attn', name), { weightLayout });
  const q = turn(project('q_proj'), c.heads); // [B,T,H·W]
  const k = turn(project('k_proj'), c.kvHeads); // [B,T,Hkv·W]
  const seen = pass.attend(index, q, k, project('v_proj'));
  const out = (residual?: Tensor): Tensor3D => linear(seen, weight('self_attn', 'o_proj'), { weightLayout, residual });
  const y = pass.drops ? add(x, pass.drop(out(), 'attention')) : out(x);

  const m = rmsNorm(y, weight('post_attention_layernorm'), { epsilon: c.normEpsilon });
  const weights = { gate: weight('mlp', 'gate_proj'), up: weight('mlp', 'up_proj'), down: weight('mlp', 'down_proj') };
  const feed = (residual?: Tensor): Tensor3D => gatedMlp(m, weights, { activation: 'silu', weightLayout, residual });
  return (pass.drops ? add(y, pass.drop(feed(), 'mlp')) : feed(y)) as Tensor3D;
}

export const llama: Family = {
  parameters,
  embed: (params, ids, _, pass) =>
    pass.drop(embedding(ids, tensorAt(params, 'model', 'embed_tokens', 'weight')), 'embedding'),
  layer: (params, index) => branchAt(params, 'model', 'layers', index),
  block,
  norm: (params, x, c) => rmsNorm(x, tensorAt(params, 'model', 'norm', 'weight'), { epsilon: c.normEpsilon }),
  head: (params, c) =>
    (c.tieEmbeddings
      ? tensorAt(params, 'model', 'embed_tokens', 'weight')
      : tensorAt(params, 'lm_head', 'weight')) as Tensor2D,
  embeddingPath: 'model.embed_tokens.weight',
  prefix: 'model.',
  weightLayout: (path) => (path.endsWith('_proj.weight') ? weightLayout : undefined),

  toHuggingFace: (c) => ({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: c.vocabularySize,
    hidden_size: c.width,
    intermediate_size: c.feedForward,
    num_hidden_layers: c.layers,
    num_attention_heads: c.heads,
    num_key_value_heads: c.kvHeads,
    head_dim: c.headWidth,
    max_position_embeddings: c.contextLength,
    hidden_act: 'silu',
    rms_norm_eps: c.normEpsilon,
    // the older pair of keys: transformers 4 and 5 both read it
    rope_theta: c.ropeTheta,
    rope_scaling: c.ropeScaling === undefined ? null : toRopeScaling(c.ropeScaling),
    attention_bias: false,
    mlp_bias: false,
    attention_dropout: 0,
    // not Llama's: transformers ignores it
    resid_pdrop: c.dropout,
    initializer_range: c.initializerRange,
    tie_word_embeddings: c.tieEmbeddings,
    ...specialIdsToJson(c),
  }),
  fromHuggingFace(json) {
    const read = readConfig(json);
    read.require('hidden_act', ['silu', 'swish'], 'silu');
    read.require('attention_bias', [false], false);
    read.require('mlp_bias', [false], false);
    const rope = (json.rope_parameters ?? json.rope_scaling ?? undefined) as Record<string, unknown> | undefined;
    const theta = rope?.rope_theta ?? json.rope_theta ?? 10000;
    const scaling = rope && fromRopeScaling(rope);
    const heads = read.number('num_attention_heads', 32);
    return decoderConfig({
      family: 'llama',
      vocabularySize: read.number('vocab_size', 32000),
      contextLength: read.number('max_position_embeddings', 2048),
      width: read.number('hidden_size', 4096),
      layers: read.number('num_hidden_layers', 32),
      heads,
      kvHeads: read.number('num_key_value_heads', heads),
      headWidth: read.number('head_dim', read.number('hidden_size', 4096) / heads),
      feedForward: read.number('intermediate_size', 11008),
      tieEmbeddings: read.boolean('tie_word_embeddings', false),
      normEpsilon: read.number('rms_norm_eps', 1e-6),
      ropeTheta: theta as number,
      dropout: read.number('resid_pdrop', 0),
      initializerRange: read.number('initializer_range', 0.02),
      ...specialIdsFromJson(json),
      ...(scaling === undefined ? {} : { ropeScaling: scaling }),
    });
  },
};

const toRopeScaling = (s: RotaryScaling): Record<string, unknown> =>
  s.type === 'linear'
    ? { rope_type: 'linear', factor: s.factor }
    : {
        rope_type: 'llama3',
        factor: s.factor,
        low_freq_factor: s.lowFrequencyFactor,
        high_freq_factor: s.highFrequencyFactor,
        original_max_position_embeddings: s.originalMaxPositions,
      };

function fromRopeScaling(rope: Record<string, unknown>): RotaryScaling | undefined {
  const type = rope.rope_type ?? rope.type ?? 'default';
  const read = readConfig(rope);
  if (type === 'default') return undefined;
  if (type === 'linear') return { type, factor: read.number('factor') };
  if (type === 'llama3') {
    return {
      type,
      factor: read.number('factor'),
      lowFrequencyFactor: read.number('low_freq_factor'),
      highFrequencyFactor: read.number('high_freq_factor'),
      originalMaxPositions: read.number('original_max_position_embeddings'),
    };
  }
  throw new ConfigError({
    where: 'config.json rope_scaling',
    what: 'this stretching of rotary positions is not known here; running without it would be silently wrong',
    got: type,
    wanted: 'default, linear or llama3',
  });
}

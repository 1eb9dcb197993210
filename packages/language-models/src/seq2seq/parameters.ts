// Names, shapes and first values of T5's parameters, by the names of a Hugging Face checkpoint. The deviations are those
// of transformers' `_init_weights`: attention has no factor 1/√D of its own, so the queries start smaller.
import type { WeightLayout } from '@gimbal/tensor-core';
import type { ParameterSpec } from '../decoder/family.ts';
import type { Seq2SeqConfig } from './config.ts';

/** How the weight of a path is used; undefined for what is no matrix of a block. */
export const seq2seqLayout = (path: string): WeightLayout | undefined =>
  /\.(?:[qkvo]|wi|wi_[01]|wo)\.weight$/.test(path) ? 'out-in' : undefined;

/** The parameters, in order. */
export function seq2seqParameters(c: Seq2SeqConfig): ParameterSpec[] {
  const { width: d, heads, headWidth, feedForward: f, initializerFactor: factor } = c;
  const inner = heads * headWidth;
  const weight = (path: string, shape: readonly number[], std: number): ParameterSpec => ({
    path: `${path}.weight`,
    shape,
    init: { std: factor * std },
  });
  const norm = (path: string): ParameterSpec => ({
    path: `${path}.weight`,
    shape: [d],
    init: { constant: factor },
  });
  const attention = (path: string): ParameterSpec[] => [
    weight(`${path}.q`, [inner, d], (d * headWidth) ** -0.5),
    weight(`${path}.k`, [inner, d], d ** -0.5),
    weight(`${path}.v`, [inner, d], d ** -0.5),
    weight(`${path}.o`, [d, inner], inner ** -0.5),
  ];
  const feedForward = (path: string): ParameterSpec[] => [
    ...(c.gated
      ? [weight(`${path}.wi_0`, [f, d], d ** -0.5), weight(`${path}.wi_1`, [f, d], d ** -0.5)]
      : [weight(`${path}.wi`, [f, d], d ** -0.5)]),
    weight(`${path}.wo`, [d, f], f ** -0.5),
  ];
  const stack = (name: 'encoder' | 'decoder', layers: number): ParameterSpec[] => [
    ...Array.from({ length: layers }, (_, i) => `${name}.block.${i}.layer`).flatMap((layer, i) => [
      ...attention(`${layer}.0.SelfAttention`),
      ...(i === 0 ? [weight(`${layer}.0.SelfAttention.relative_attention_bias`, [c.buckets, heads], d ** -0.5)] : []),
      norm(`${layer}.0.layer_norm`),
      ...(name === 'decoder' ? [...attention(`${layer}.1.EncDecAttention`), norm(`${layer}.1.layer_norm`)] : []),
      ...feedForward(`${layer}.${name === 'decoder' ? 2 : 1}.DenseReluDense`),
      norm(`${layer}.${name === 'decoder' ? 2 : 1}.layer_norm`),
    ]),
    norm(`${name}.final_layer_norm`),
  ];
  return [
    weight('shared', [c.vocabularySize, d], 1),
    ...stack('encoder', c.layers),
    ...stack('decoder', c.decoderLayers),
    ...(c.tieEmbeddings ? [] : [weight('lm_head', [c.vocabularySize, d], 1)]),
  ];
}

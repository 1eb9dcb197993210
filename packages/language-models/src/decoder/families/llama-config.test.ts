// Which layers see a window only where config.json does not list them, as files of the hub for Gemma and Qwen do not; and the
// older keys of rotary positions. Wanted is what transformers 5.24's config classes make of the same.
import { configFromJson } from './llama-config.ts';
import type { LlamaLike } from './traits.ts';

/** s and f for sliding and full, a letter a layer. */
const kinds = (family: LlamaLike, json: object): string => {
  const { layers, slidingLayers } = configFromJson(family, json as { [key: string]: unknown });
  return Array.from({ length: layers }, (_, i) => (slidingLayers?.[i] ? 's' : 'f')).join('');
};
const window = { use_sliding_window: true, sliding_window: 4 };

it.each<[LlamaLike, object, string]>([
  ['gemma2', { num_hidden_layers: 5 }, 'sfsfs'],
  ['gemma3_text', { num_hidden_layers: 7 }, 'sssssfs'],
  ['gemma3_text', { num_hidden_layers: 7, sliding_window_pattern: 3 }, 'ssfssfs'],
  ['gemma3_text', { num_hidden_layers: 7, _sliding_window_pattern: 3 }, 'ssfssfs'],
  ['qwen2', { num_hidden_layers: 5, max_window_layers: 2, ...window }, 'ffsss'],
  ['qwen3', { num_hidden_layers: 5, max_window_layers: 2, ...window }, 'ffsss'],
  ['qwen3', { num_hidden_layers: 30, ...window }, `${'f'.repeat(28)}ss`],
  ['qwen2', { num_hidden_layers: 5, max_window_layers: 2, sliding_window: 4, use_sliding_window: false }, 'fffff'],
  ['mistral', { num_hidden_layers: 3, sliding_window: 4 }, 'sss'],
  ['mistral', { num_hidden_layers: 3, sliding_window: null }, 'fff'],
])('%s with %j', (family, json, wanted) => {
  expect(kinds(family, json)).toBe(wanted);
});

it('reads the older keys of rotary positions', () => {
  const gemma = configFromJson('gemma3_text', {
    rope_theta: 5e5,
    rope_local_base_freq: 20,
    rope_scaling: { rope_type: 'linear', factor: 8 },
  });
  expect(gemma).toMatchObject({ ropeTheta: 5e5, localRopeTheta: 20, ropeScaling: { type: 'linear', factor: 8 } });
  const yarn = configFromJson('qwen2', {
    max_position_embeddings: 128,
    rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 32 },
  });
  expect(yarn.ropeScaling).toEqual({
    type: 'yarn',
    factor: 4,
    betaFast: 32,
    betaSlow: 1,
    attentionFactor: 0.1 * Math.log(4) + 1,
    originalMaxPositions: 32,
  });
});

// The description of a model as metadata of a GGUF file, and a refusal of what would come back as another model.
import { CheckpointError, ConfigError } from '@gimbal/tensor-core';
import type { DecoderConfig } from '../decoder/config.ts';
import { configFromGguf, llama3Factors, slidingPattern, slidingToGguf } from './config.ts';
import type { GgufValue } from './read-header.ts';

/** What the frequencies are divided by, where the file holds that as a tensor: Llama 3's stretching. */
export const ropeFactorsOf = (c: DecoderConfig): Float32Array | undefined =>
  c.ropeScaling?.type === 'llama3'
    ? Float32Array.from(llama3Factors(c.ropeScaling, c.ropeTheta, c.headWidth / 2))
    : undefined;

/** The metadata of a config. @param a the architecture */
export function configToGguf(c: DecoderConfig, a: string): [string, GgufValue][] {
  const slides = c.window !== undefined && c.slidingLayers?.some(Boolean);
  const pattern = slides ? slidingToGguf(c) : undefined;
  const s = c.ropeScaling;
  const all: [string, GgufValue | undefined][] = [
    ['block_count', c.layers],
    ['context_length', c.contextLength],
    ['embedding_length', c.width],
    ['feed_forward_length', c.feedForward],
    ['attention.head_count', c.heads],
    ['attention.head_count_kv', c.kvHeads],
    ['attention.key_length', c.headWidth],
    ['attention.value_length', c.headWidth],
    ['attention.layer_norm_rms_epsilon', c.normEpsilon],
    ['rope.dimension_count', c.headWidth],
    ['rope.freq_base', c.ropeTheta],
    // a key that older readers of Gemma 3 pass over: only where it is not what they take
    ['rope.freq_base_swa', slides && c.localRopeTheta !== 10000 ? c.localRopeTheta : undefined],
    ['vocab_size', c.vocabularySize],
    ['rope.scaling.type', s === undefined || s.type === 'llama3' ? undefined : s.type],
    ['rope.scaling.factor', s === undefined || s.type === 'llama3' ? undefined : s.factor],
    ['rope.scaling.original_context_length', s?.type === 'yarn' ? s.originalMaxPositions : undefined],
    ['attention.sliding_window', c.window],
    [slidingPattern, Number.isNaN(pattern) ? undefined : pattern],
    ['attn_logit_softcapping', c.attentionSoftcap],
    ['final_logit_softcapping', c.finalSoftcap],
  ];
  return all.flatMap(([key, value]) => (value === undefined ? [] : [[`${a}.${key}`, value]]));
}

/** What a model computes with, each as numbers that two configs have alike where they compute alike. */
const meanings: Readonly<Record<string, (c: DecoderConfig) => readonly (number | undefined)[]>> = {
  contextLength: (c) => [c.contextLength],
  width: (c) => [c.width],
  layers: (c) => [c.layers],
  heads: (c) => [c.heads],
  kvHeads: (c) => [c.kvHeads],
  headWidth: (c) => [c.headWidth],
  feedForward: (c) => [c.feedForward],
  normEpsilon: (c) => [c.normEpsilon],
  attentionBias: (c) => [Number(c.attentionBias)],
  ropeTheta: (c) => [c.ropeTheta],
  ropeScaling: ({ ropeScaling: s, ...c }) => {
    if (s === undefined) return [];
    if (s.type === 'llama3') return llama3Factors(s, c.ropeTheta, c.headWidth / 2);
    if (s.type === 'linear') return [s.factor];
    return [s.factor, s.betaFast, s.betaSlow, s.attentionFactor, s.originalMaxPositions];
  },
  window: (c) => (c.slidingLayers?.some(Boolean) ? [c.window] : []),
  slidingLayers: (c) => (c.slidingLayers?.some(Boolean) ? c.slidingLayers.map(Number) : []),
  localRopeTheta: (c) => (c.slidingLayers?.some(Boolean) ? [c.localRopeTheta] : []),
  queryScale: (c) => [c.queryScale ?? c.headWidth ** -0.5],
  attentionSoftcap: (c) => [c.attentionSoftcap],
  finalSoftcap: (c) => [c.finalSoftcap],
};

/** Alike to what a file keeps of a number: 32 bits, and of Llama 3's factors what tells them apart. */
const alike = (a: number | undefined, b: number | undefined, tolerance: number): boolean =>
  a === b || (a !== undefined && b !== undefined && Math.abs(a - b) <= tolerance * Math.abs(a));

/**
 * Refuses a model that a reader of the file would take for another: some options have no key there.
 * @param metadata all that the file will have
 * @param tensors shapes of its tensors by their names there
 * @throws ConfigError naming the options
 */
export function refuseLost(
  c: DecoderConfig,
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: ReadonlyMap<string, { shape: readonly number[] }>,
): void {
  const { family } = c;
  const refusal = (got: Record<string, unknown>, wanted: Record<string, unknown>, cause?: unknown): ConfigError =>
    new ConfigError({
      where: 'GGUF',
      what: `this ${family} model would be read as another: the format has no key for its ${Object.keys(got).join(', ')}`,
      got,
      wanted,
      fix: 'Save it as a folder (savePretrained)',
      ...(cause === undefined ? {} : { cause }),
    });
  let back: DecoderConfig;
  try {
    back = configFromGguf({ metadata, tensors }, 'GGUF', ropeFactorsOf(c));
  } catch (error) {
    // sizes that its writer has checked come back: what a reader refuses is a stretching
    if (!(error instanceof CheckpointError)) throw error;
    throw refusal({ ropeScaling: c.ropeScaling }, { ropeScaling: 'linear, or YaRN or Llama 3 as usual' }, error);
  }
  const options = Object.keys(meanings).filter((name) => {
    const [a, b] = [meanings[name]?.(c) ?? [], meanings[name]?.(back) ?? []];
    const tolerance = name === 'ropeScaling' && c.ropeScaling?.type === 'llama3' ? 1e-4 : 1e-6;
    return a.length !== b.length || a.some((x, i) => !alike(x, b[i], tolerance));
  });
  if (options.length === 0) return;
  const pick = (from: DecoderConfig): Record<string, unknown> =>
    Object.fromEntries(options.map((name) => [name, from[name as keyof DecoderConfig] ?? 'none']));
  throw refusal(pick(c), pick(back));
}

// The description of a model in a GGUF file's metadata.
import { CheckpointError } from '@gimbal/tensor-core';
import { type DecoderConfig, decoderConfig, type FamilyName } from '../decoder/config.ts';
import { familyOfArchitecture, knownArchitectures } from './names.ts';
import type { GgufHeader, GgufValue } from './read-header.ts';

/** Reads the config. @throws CheckpointError for an architecture that is not known here, or a missing or impossible value */
export function configFromGguf(
  { metadata, tensors }: GgufHeader,
  where: string,
  ropeFactors?: Float32Array,
): DecoderConfig {
  const architecture = String(metadata.get('general.architecture'));
  const family = familyOfArchitecture(architecture);
  if (family === undefined) {
    const wanted = `one of ${knownArchitectures.join(', ')}`;
    throw new CheckpointError({ where, what: 'this architecture is not known here', got: architecture, wanted });
  }
  const number = (key: string, absent?: number): number => {
    const value: GgufValue | undefined = metadata.get(`${architecture}.${key}`) ?? absent;
    // floats are 32 bits wide there: the shortest number that is meant
    if (typeof value === 'number' || typeof value === 'bigint') return Number(Number(value).toPrecision(7));
    throw new CheckpointError({
      where,
      what: `the metadata lack ${architecture}.${key}`,
      got: value,
      wanted: 'a number',
    });
  };
  const special = (key: string): number | undefined => {
    const value = metadata.get(`tokenizer.ggml.${key}_token_id`);
    return typeof value === 'number' ? value : undefined;
  };
  const [width, heads, layers] = [number('embedding_length'), number('attention.head_count'), number('block_count')];
  const kvHeads = number('attention.head_count_kv', heads);
  const keyRows = tensors.get('blk.0.attn_k.weight')?.shape[0] ?? 0;
  const headWidth = number('attention.key_length', width / heads);
  if (keyRows !== headWidth * kvHeads || number('rope.dimension_count', headWidth) !== headWidth) {
    throw new CheckpointError({
      where,
      what: 'heads and their width do not fit the weights',
      got: keyRows,
      wanted: headWidth * kvHeads,
    });
  }
  const eosIds = [...new Set(['eos', 'eot', 'eom'].map(special).filter((id) => id !== undefined))];
  const [bosId, padId] = [special('bos'), special('padding')];
  const gemma = family === 'gemma2' || family === 'gemma3_text';
  const window = gemma ? number('attention.sliding_window', 4096) : undefined;
  const factor =
    metadata.get(`${architecture}.rope.scaling.type`) === 'linear' ? number('rope.scaling.factor') : undefined;
  const scaling =
    factor !== undefined
      ? ({ type: 'linear', factor } as const)
      : ropeFactors && stretchOf(ropeFactors, number('rope.freq_base', 1e4), where);
  return decoderConfig({
    family,
    vocabularySize: tensors.get('token_embd.weight')?.shape[0] ?? 0,
    contextLength: number('context_length'),
    width,
    layers,
    heads,
    kvHeads,
    headWidth,
    feedForward: number('feed_forward_length'),
    tieEmbeddings: !tensors.has('output.weight'),
    normEpsilon: number('attention.layer_norm_rms_epsilon'),
    ropeTheta: number('rope.freq_base', 1e4),
    attentionBias: family === 'qwen2',
    ...(scaling === undefined ? {} : { ropeScaling: scaling }),
    ...(window === undefined
      ? {}
      : { window, slidingLayers: Array.from({ length: layers }, (_, i) => slides(family, i)) }),
    // the file stores no scale of scores
    ...(gemma ? { queryScale: headWidth ** -0.5 } : {}),
    ...(family === 'gemma3_text' ? { localRopeTheta: 1e4 } : {}),
    ...(family === 'gemma2'
      ? { attentionSoftcap: number('attn_logit_softcapping', 50), finalSoftcap: number('final_logit_softcapping', 30) }
      : {}),
    eosIds,
    ...(bosId === undefined ? {} : { bosId }),
    ...(padId === undefined ? {} : { padId }),
  });
}

const slides = (family: FamilyName, layer: number): boolean =>
  family === 'gemma2' ? layer % 2 === 0 : (layer + 1) % 6 !== 0;

/** Llama 3's stretching from the factors that the file stores in its place. */
function stretchOf(factors: Float32Array, theta: number, where: string): DecoderConfig['ropeScaling'] {
  const factor = Math.max(...factors);
  const scaling = {
    type: 'llama3',
    factor,
    lowFrequencyFactor: 1,
    highFrequencyFactor: 4,
    originalMaxPositions: 8192,
  } as const;
  if (factor === 1) return undefined;
  const wanted = llama3Factors(scaling, theta, factors.length);
  const worst = Math.max(...wanted.map((x, i) => Math.abs(x / (factors[i] as number) - 1)));
  if (worst < 1e-4) return scaling;
  throw new CheckpointError({
    where,
    what: 'its rope_freqs are not those of Llama 3',
    got: `off by ${worst}`,
    wanted: 'a known stretching',
  });
}

/** What each frequency is divided by. */
export function llama3Factors(
  s: { factor: number; lowFrequencyFactor: number; highFrequencyFactor: number; originalMaxPositions: number },
  theta: number,
  half: number,
): number[] {
  return Array.from({ length: half }, (_, j) => {
    const turns = (s.originalMaxPositions * theta ** (-j / half)) / (2 * Math.PI);
    const smooth = Math.min(
      1,
      Math.max(0, (turns - s.lowFrequencyFactor) / (s.highFrequencyFactor - s.lowFrequencyFactor)),
    );
    return 1 / ((1 - smooth) / s.factor + smooth);
  });
}

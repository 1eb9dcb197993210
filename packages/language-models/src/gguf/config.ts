// The description of a model in a GGUF file's metadata.
import { CheckpointError } from '@gimbal/tensor-core';
import { type DecoderConfig, decoderConfig, type FamilyName } from '../decoder/config.ts';
import { familyOfArchitecture, knownArchitectures } from './names.ts';
import type { GgufHeader, GgufValue } from './read-header.ts';

/** What a config is read from: the header of a file, or what is to become one. */
interface Description {
  readonly metadata: GgufHeader['metadata'];
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>;
}

/** Reads the config. @throws CheckpointError for an architecture that is not known here, a missing or impossible value, or a stretching that is not done */
export function configFromGguf(
  { metadata, tensors }: Description,
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
  // of Gemma 3 a file without a window has none
  const window = gemma ? number('attention.sliding_window', family === 'gemma2' ? 4096 : 0) : 0;
  const text = (key: string): unknown => metadata.get(`${architecture}.${key}`);
  const scaling = scalingFromGguf({ architecture, where, number, text }, ropeFactors);
  const finalSoftcap = gemma ? number('final_logit_softcapping', family === 'gemma2' ? 30 : 0) : 0;
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
    ...(window === 0 ? {} : { window, slidingLayers: slidingFromGguf(text(slidingPattern), family, layers, where) }),
    ...(gemma ? { queryScale: queryScaleOf(family, { layers, width, heads, headWidth }) } : {}),
    ...localTheta(family, number('rope.freq_base_swa', family === 'gemma2' ? 0 : 1e4)),
    ...(family === 'gemma2' ? { attentionSoftcap: number('attn_logit_softcapping', 50) } : {}),
    ...(finalSoftcap === 0 ? {} : { finalSoftcap }),
    eosIds,
    ...(bosId === undefined ? {} : { bosId }),
    ...(padId === undefined ? {} : { padId }),
  });
}

/** The key of how layers slide; a program on an older llama.cpp knows only each family's own way. */
export const slidingPattern = 'attention.sliding_window_pattern';

/** Of so many layers all but the last slide, unless the file says otherwise. */
const patternOf = (family: FamilyName): number => (family === 'gemma2' ? 2 : 6);

const slidesBy = (pattern: number, layers: number): boolean[] =>
  Array.from({ length: layers }, (_, i) => pattern === 0 || i % pattern < pattern - 1);

function slidingFromGguf(value: unknown, family: FamilyName, layers: number, where: string): readonly boolean[] {
  if (value === undefined) return slidesBy(patternOf(family), layers);
  if (Array.isArray(value) && value.length >= layers) return value.slice(0, layers).map((each) => Number(each) !== 0);
  if (typeof value === 'number') return slidesBy(value, layers);
  const wanted = `a number, or ${layers} of them`;
  throw new CheckpointError({ where, what: `cannot be used: ${slidingPattern}`, got: value, wanted });
}

/**
 * The number that says which layers slide.
 * @returns undefined where the family's own says it; NaN where none does
 */
export function slidingToGguf(c: DecoderConfig): number | undefined {
  const is = (pattern: number): boolean => `${slidesBy(pattern, c.layers)}` === `${c.slidingLayers}`;
  if (is(patternOf(c.family))) return undefined;
  return Array.from({ length: c.layers + 1 }, (_, pattern) => pattern).find(is) ?? Number.NaN;
}

/** What scores are multiplied with: no key says it. llama.cpp tells the two models of 27B by their layers. */
function queryScaleOf(family: FamilyName, c: Pick<DecoderConfig, 'layers' | 'width' | 'heads' | 'headWidth'>): number {
  const is27B = c.layers === (family === 'gemma2' ? 46 : 62);
  return (is27B ? Math.floor(c.width / c.heads) : c.headWidth) ** -0.5;
}

/** Of Gemma 2 layers that slide turn as the others, and are stretched as they are, unless the file says otherwise. */
const localTheta = (family: FamilyName, theta: number): Pick<DecoderConfig, 'localRopeTheta'> =>
  family === 'gemma3_text' || (family === 'gemma2' && theta > 0) ? { localRopeTheta: theta } : {};

/** How positions are stretched: a linear factor, YaRN's, or Llama 3's divisors. */
function scalingFromGguf(
  read: {
    architecture: string;
    where: string;
    number(key: string, absent?: number): number;
    text(key: string): unknown;
  },
  factors: Float32Array | undefined,
): DecoderConfig['ropeScaling'] {
  const { architecture, where, number, text } = read;
  const refuse = (key: string, got: unknown, wanted: string): never => {
    throw new CheckpointError({
      where: `${where} ${architecture}.${key}`,
      what: 'this stretching of rotary positions is not known here; running without it would be silently wrong',
      got,
      wanted,
    });
  };
  const type = text('rope.scaling.type') ?? 'linear';
  const factor = number('rope.scaling.factor', number('rope.scale_linear', 1)) || 1;
  const attention = number('rope.scaling.attn_factor', 1);
  if (attention !== 1) refuse('rope.scaling.attn_factor', attention, '1');
  if (type !== 'none' && type !== 'linear' && type !== 'yarn')
    refuse('rope.scaling.type', type, 'none, linear or yarn');
  const stretches = type !== 'none' && factor !== 1;
  if (factors !== undefined) {
    // llama.cpp applies them in this architecture alone
    if (architecture !== 'llama') refuse('rope_freqs', 'rope_freqs.weight', 'none but in architecture llama');
    const stretch = stretchOf(factors, number('rope.freq_base', 1e4), where);
    if (stretch !== undefined && stretches) refuse('rope.scaling.type', type, 'no rope_freqs.weight beside it');
    if (stretch !== undefined) return stretch;
  }
  if (!stretches) return undefined;
  if (type === 'linear') return { type, factor };
  // Gemma's two kinds of layers would be stretched alike
  if (architecture.startsWith('gemma')) refuse('rope.scaling.type', type, 'none or linear');
  return yarnOf(factor, number('rope.scaling.original_context_length', number('context_length')));
}

/** YaRN as files hold it: its borders and its attention factor are the usual ones. */
const yarnOf = (factor: number, originalMaxPositions: number): DecoderConfig['ropeScaling'] => ({
  type: 'yarn',
  factor,
  betaFast: 32,
  betaSlow: 1,
  attentionFactor: factor > 1 ? 0.1 * Math.log(factor) + 1 : 1,
  originalMaxPositions,
});

/** Llama 3's stretching from the factors that the file stores in its place. */
function stretchOf(factors: Float32Array, theta: number, where: string): DecoderConfig['ropeScaling'] {
  const factor = Math.max(...factors);
  if (factor === 1) return undefined;
  const scaling = { type: 'llama3', factor, lowFrequencyFactor: 1, highFrequencyFactor: 4 } as const;
  let worst = Number.POSITIVE_INFINITY;
  const told = originalOf(factors, theta);
  for (const originalMaxPositions of [8192, Math.round(told), told]) {
    const wanted = llama3Factors({ ...scaling, originalMaxPositions }, theta, factors.length);
    const off = Math.max(...wanted.map((x, i) => Math.abs(x / (factors[i] as number) - 1)));
    if (off < 1e-4) return { ...scaling, originalMaxPositions };
    worst = Math.min(worst, off);
  }
  throw new CheckpointError({
    where,
    what: 'its rope_freqs are not those of Llama 3',
    got: `off by ${worst}`,
    wanted: 'a known stretching',
  });
}

/** The context that Llama 3's factors were stretched from: told by one between the two ends, or by where they meet. */
function originalOf(factors: Float32Array, theta: number): number {
  const most = Math.max(...factors);
  const lengthOf = (turns: number, j: number): number => turns * 2 * Math.PI * theta ** (j / factors.length);
  const between = factors.findIndex((f) => f > 1.0001 && f < most * 0.9999);
  const smooth = (1 / (factors[between] as number) - 1 / most) / (1 - 1 / most);
  if (between >= 0) return lengthOf(1 + 3 * smooth, between);
  const first = factors.findIndex((f) => f > 1.0001);
  // the last that is not stretched turns at least four times
  return first === 0 ? lengthOf(0.999, 0) : lengthOf(4.001, first - 1);
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

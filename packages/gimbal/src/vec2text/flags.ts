// What the library refuses of its options, in the words of the flags that they came from.
import { ConfigError, DataError, type GimbalError, NumericalError } from '@gimbal/tensor-core';
import { inFlags } from '../options/in-flags.ts';

/** By the place that the library names. */
const flags = {
  'vec2text.width': '--width',
  'vec2text.controlDim': '--control-dim',
  'vec2text.memorySlots': '--memory-slots',
  'vec2text.maxLength': '--max-length',
  'inverter.embeddingTokens': '--embedding-tokens',
  'trainTokenizer.vocabularySize': '--vocabulary',
  'cosine.warmup': '--warmup',
  pivotsPerSentence: '--pivots-per-sentence',
  tripsPerPivot: '--trips-per-pivot',
  temperature: '--trip-temperature',
  minSimilarity: '--min-similarity',
  'InverterTrainer.guesses.draws': '--guesses',
  'InverterTrainer.guesses.noise': '--guess-noise',
  'InverterTrainer.guesses.temperature': '--guess-temperature',
  'invert.steps': '--corrections',
  'invert.beams': '--beams',
  'decode.beams': '--beams',
  'vec2text: sample': '--prior',
  'interpolate.n': '--points',
  'interpolate.alphas': '--alphas',
  'perturb.scale': '--scale',
  'nearest.k': '--neighbours',
  'arithmetic.w': '--weight',
  'optimise.population': '--population',
  'optimise.elite': '--elite',
  'optimise.episodes': '--episodes',
  'vec2text: action space': '--model',
};

/** As the library says what would be good. */
const words: readonly (readonly [RegExp, string])[] = [
  [/\bproject: true/g, '--project'],
  [/\bextrapolate: true/g, '--extrapolate'],
  [/\bmode: (\w+)/g, '--mode $1'],
  [/\bsteps: 0\b/g, '--corrections 0'],
  [/\bmemoryBudget\b/g, '--memory-budget'],
  [/\bmaxGradNorm\b/g, '--max-grad-norm'],
  [/\bfewer beams\b/g, 'fewer --beams'],
  [/\bmultiple of heads\b/g, 'multiple of --heads'],
  [/\bthe population\b/g, '--population'],
  [/\bUse the prior\b/g, 'Use --prior'],
];

const said = (text: unknown): unknown =>
  typeof text !== 'string'
    ? text
    : words
        .reduce((all, [theirs, ours]) => all.replaceAll(theirs, ours), text)
        // --memory-budget counts them
        .replaceAll(/\b(\d{6,}) bytes\b/g, (_, n: string) => `${Number((Number(n) / 2 ** 20).toFixed(1))} MiB`);

const classes = { ERR_CONFIG: ConfigError, ERR_DATA: DataError, ERR_NUMERICAL: NumericalError };

/**
 * Does what an action does.
 * @param action as it is typed
 * @throws what it throws; of options that the library refuses with the flag, and flags where it speaks of options
 */
export const inItsFlags = <T>(action: string, call: () => T | Promise<T>): Promise<T> =>
  inFlags(`gimbal vec2text ${action}`, flags, async () => {
    try {
      return await call();
    } catch (error) {
      const { code = '', where, what, got, wanted, fix } = error as Partial<GimbalError>;
      const told = { what: `${said(what)}`, wanted: said(wanted), ...(fix !== undefined && { fix: `${said(fix)}` }) };
      const same = told.what === what && told.wanted === wanted && told.fix === fix;
      if (same || !Object.hasOwn(classes, code)) throw error;
      const details = { where: `${where}`, got: code === 'ERR_CONFIG' ? said(got) : got, ...told, cause: error };
      throw new classes[code as keyof typeof classes](details);
    }
  });

// What a run trains with, defaults filled in: settings.json of its folder. Options that its algorithm does not use are left out.
import { type Surrogate, surrogateDefaults } from '@gimbal/fma-pg';
import { notOf, ofSurrogates } from './agent-flags.ts';

/** Where it acts and what it leaves behind, in config.json as flags; and functions, which are no settings. */
const elsewhere = ['env', 'evalEnv', 'out', 'warn', 'rewardSource', 'auxLosses'];
/** Options whose flags have another name. */
const flagOf: { readonly [option: string]: string } = { alpha: 'temperature', exploration: 'finalExploration' };

/** By the option's name, as a library user would write it; of a surrogate its name and options, defaults filled in. */
export function settingsInUse({ options }: { readonly options: object }, algo: string): Record<string, unknown> {
  // the flag --surrogate is of some alone, the option of all that maximise one
  const natural = algo === 'trpo' || algo === 'npg';
  const unused = [...elsewhere, ...notOf(algo).filter((name) => name !== 'surrogate' || natural)];
  const used = Object.entries(options).filter(([name]) => !unused.includes(flagOf[name] ?? name));
  return Object.fromEntries(
    used.map(([name, value]) => [
      name,
      name === 'surrogate' ? described(value as Surrogate, 'adaptiveKl' in options) : value,
    ]),
  );
}

/** Flags that are a part of an option: where it stands in settings.json. */
const placeOf: { readonly [flag: string]: readonly string[] } = {
  ...Object.fromEntries(Object.entries(flagOf).map(([option, flag]) => [flag, [option]])),
  ...Object.fromEntries(Object.keys(ofSurrogates).map((flag) => [flag, ['surrogate', flag]])),
  clipEpsilonHigh: ['surrogate', 'clipEpsilon', 'high'],
  surrogate: ['surrogate', 'name'],
  weightTemperature: ['surrogate', 'temperature'],
  finalLearningRate: ['learningRate', 'to'],
  finalEntropyCoef: ['entropyCoef', 'to'],
  initialExploration: ['exploration', 'from'],
  finalExploration: ['exploration', 'to'],
  trustRegion: ['trustRegion', 'delta'],
  ...Object.fromEntries(
    ['cgIterations', 'damping', 'shrink', 'backtracks'].map((name) => [name, ['trustRegion', name]]),
  ),
  ...Object.fromEntries(['capacity', 'nStep', 'prioritized'].map((name) => [name, ['buffer', name]])),
  priorityAlpha: ['buffer', 'prioritized', 'alpha'],
  priorityBeta: ['buffer', 'prioritized', 'beta'],
  her: ['buffer', 'her', 'strategy'],
  herFraction: ['buffer', 'her', 'fraction'],
  optimizer: ['optimizer', 'name'],
  criticEpochs: ['critic', 'epochs'],
  criticBatchSize: ['critic', 'batchSize'],
  criticLearningRate: ['critic', 'learningRate'],
  recurrent: ['recurrent', 'cell'],
  memorySize: ['recurrent', 'size'],
  memorySequence: ['recurrent', 'sequence'],
  adaptiveRate: ['adaptiveRate', 'kl'],
  minLearningRate: ['adaptiveRate', 'min'],
  maxLearningRate: ['adaptiveRate', 'max'],
  adaptiveKl: ['adaptiveKl', 'target'],
  klPenalty: ['adaptiveKl', 'initial'],
};

/** What settings, or the options in a checkpoint, have for a flag; undefined where they do not say. */
export function settingOf(settings: unknown, flag: string): unknown {
  const partOf = (of: unknown, name: string): unknown =>
    typeof of === 'object' && of !== null ? (of as { [name: string]: unknown })[name] : undefined;
  return (placeOf[flag] ?? [flag]).reduce(partOf, settings);
}

/**
 * Of a surrogate its name and options, defaults filled in.
 * @param isAdapted whether the agent sets its penalty, from `adaptiveKl` on
 */
export function described({ surrogate, options }: Surrogate, isAdapted: boolean): object {
  const defaults = (surrogateDefaults as { readonly [name: string]: object })[surrogate];
  const { klCoef, ...others } = { klCoef: undefined, ...defaults, ...options };
  return { name: surrogate, ...others, ...(klCoef !== undefined && !isAdapted && { klCoef }) };
}

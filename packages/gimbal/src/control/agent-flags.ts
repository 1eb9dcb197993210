// Flags of `gimbal control train` as options of an agent: those of the same name, and those that become part of one.
import { type OffPolicyOptions, type OnPolicyOptions, surrogates } from '@gimbal/fma-pg';
import { ConfigError } from '@gimbal/tensor-core';
import type { EnvOptionTexts } from './env-options.ts';
import type { Settings } from './settings.ts';

/** Which environment, and how it is made. */
export interface EnvFlags {
  env: string;
  envOptions?: EnvOptionTexts | undefined;
}

/** What is undefined is the preset's. */
export interface AgentFlags extends EnvFlags {
  algo: string;
  seed: number;
  numEnvs?: number | undefined;
  rollout?: number | undefined;
  epochs?: number | undefined;
  minibatches?: number | undefined;
  gamma?: number | undefined;
  gaeLambda?: number | undefined;
  learningRate?: number | undefined;
  finalLearningRate?: number | undefined;
  entropyCoef?: number | undefined;
  valueCoef?: number | undefined;
  targetKl?: number | undefined;
  maxGradNorm?: number | undefined;
  batchSize?: number | undefined;
  learningStarts?: number | undefined;
  trainEvery?: number | undefined;
  updates?: number | undefined;
  capacity?: number | undefined;
  nStep?: number | undefined;
  prioritized?: boolean | undefined;
  her?: 'future' | 'final' | 'geometric' | undefined;
  herFraction?: number | undefined;
  hidden?: number[] | undefined;
  normalize?: ('obs' | 'reward' | 'none')[] | undefined;
  recurrent?: 'gru' | 'lstm' | undefined;
  eta?: number | undefined;
  clipEpsilon?: number | undefined;
  pessimistic?: boolean | undefined;
  negativeWeight?: 'clamp' | 'keep' | 'error' | undefined;
  innerGuard?: 'off' | 'warn' | 'restore' | undefined;
  evalEvery?: number | undefined;
  evalEpisodes?: number | undefined;
  checkpointEvery?: number | undefined;
  keepCheckpoints?: number | undefined;
  activation?: 'tanh' | 'relu' | undefined;
  criticObs?: string[] | undefined;
  initialLogStd?: number | undefined;
  returns?: 'gae' | 'vtrace' | undefined;
  normalizeAdvantage?: 'minibatch' | 'batch' | 'none' | undefined;
  valueClip?: number | undefined;
  discountedStateWeights?: boolean | undefined;
  adaptiveKl?: number | undefined;
  adaptiveRate?: number | undefined;
  trustRegion?: number | undefined;
  criticEpochs?: number | undefined;
  clipEpsilonHigh?: number | undefined;
  klEstimator?: 'analytic' | 'k1' | 'k3' | undefined;
  tau?: number | undefined;
  temperature?: number | undefined;
  learnAlpha?: boolean | undefined;
  targetEntropy?: number | undefined;
  explorationNoise?: number | undefined;
  targetNoise?: number | undefined;
  targetNoiseClip?: number | undefined;
  policyDelay?: number | undefined;
  finalExploration?: number | undefined;
  explorationFraction?: number | undefined;
  double?: boolean | undefined;
  targetEvery?: number | undefined;
  proximal?: number | undefined;
  priorityAlpha?: number | undefined;
  priorityBeta?: number | undefined;
  surrogate?: 'ratio' | 'mpo' | undefined;
  weightTemperature?: number | undefined;
  klPenalty?: number | undefined;
  finalEntropyCoef?: number | undefined;
  minLearningRate?: number | undefined;
  maxLearningRate?: number | undefined;
  cgIterations?: number | undefined;
  damping?: number | undefined;
  shrink?: number | undefined;
  backtracks?: number | undefined;
  criticBatchSize?: number | undefined;
  criticLearningRate?: number | undefined;
  memorySize?: number | undefined;
  memorySequence?: number | undefined;
  initialExploration?: number | undefined;
  logEvery?: number | undefined;
}

const both = [
  'numEnvs',
  'gamma',
  'hidden',
  'maxGradNorm',
  'evalEvery',
  'evalEpisodes',
  'checkpointEvery',
  'keepCheckpoints',
] as const;

/** Options under the same name. */
const plain = {
  'on-policy': [
    ...both,
    'rollout',
    'epochs',
    'minibatches',
    'gaeLambda',
    'entropyCoef',
    'valueCoef',
    'targetKl',
    'innerGuard',
    'activation',
    'criticObs',
    'initialLogStd',
    'returns',
    'valueClip',
    'discountedStateWeights',
  ],
  'off-policy': [
    ...both,
    'batchSize',
    'learningStarts',
    'trainEvery',
    'updates',
    'tau',
    'learnAlpha',
    'targetEntropy',
    'explorationNoise',
    'targetNoise',
    'targetNoiseClip',
    'policyDelay',
    'explorationFraction',
    'double',
    'targetEvery',
    'proximal',
    'logEvery',
  ],
} as const satisfies Record<Settings['kind'], readonly (keyof AgentFlags)[]>;

/** Parts of an option. */
const parts = {
  'on-policy': [
    'learningRate',
    'finalLearningRate',
    'normalize',
    'recurrent',
    'normalizeAdvantage',
    'adaptiveKl',
    'adaptiveRate',
    'trustRegion',
    'criticEpochs',
    'surrogate',
    'weightTemperature',
    'klPenalty',
    'finalEntropyCoef',
    'minLearningRate',
    'maxLearningRate',
    'cgIterations',
    'damping',
    'shrink',
    'backtracks',
    'criticBatchSize',
    'criticLearningRate',
    'memorySize',
    'memorySequence',
  ],
  'off-policy': [
    'learningRate',
    'finalLearningRate',
    'capacity',
    'nStep',
    'prioritized',
    'priorityAlpha',
    'priorityBeta',
    'her',
    'herFraction',
    'initialExploration',
    'finalExploration',
    'temperature',
  ],
} as const satisfies Record<Settings['kind'], readonly (keyof AgentFlags)[]>;

const everywhere = [...plain['on-policy'], ...plain['off-policy'], ...parts['on-policy'], ...parts['off-policy']];

/** Options of a surrogate, and the algorithms that have them. */
const ofSurrogates = {
  eta: ['mdpo', 'smdpo', 'spma'],
  clipEpsilon: ['ppo', 'sppo'],
  clipEpsilonHigh: ['ppo'],
  pessimistic: ['sppo'],
  negativeWeight: ['smdpo'],
  klEstimator: ['smdpo'],
} as const satisfies { [name in keyof AgentFlags]?: readonly string[] };

/** Other options that are of some algorithms alone. */
const ofSome = {
  // those that the other algorithms are named after are theirs
  surrogate: ['ppo', 'a2c', 'reinforce'],
  adaptiveKl: ['ppo-kl'],
  klPenalty: ['ppo-kl'],
  trustRegion: ['trpo', 'npg'],
  cgIterations: ['trpo', 'npg'],
  damping: ['trpo', 'npg'],
  shrink: ['trpo'],
  backtracks: ['trpo'],
  tau: ['sac', 'td3', 'dqn', 'mdpo-off-policy'],
  temperature: ['sac', 'mdpo-off-policy'],
  learnAlpha: ['sac'],
  targetEntropy: ['sac'],
  explorationNoise: ['td3'],
  targetNoise: ['td3'],
  targetNoiseClip: ['td3'],
  policyDelay: ['td3'],
  initialExploration: ['dqn'],
  finalExploration: ['dqn'],
  explorationFraction: ['dqn'],
  double: ['dqn'],
  targetEvery: ['dqn', 'mdpo-off-policy'],
  proximal: ['mdpo-off-policy'],
  maxGradNorm: ['ppo', 'ppo-kl', 'sppo', 'smdpo', 'spma', 'mdpo', 'trpo', 'npg', 'a2c', 'reinforce', 'dqn'],
} as const satisfies { [name in keyof AgentFlags]?: readonly string[] };

const ofGradientSteps = [
  'epochs',
  'minibatches',
  'entropyCoef',
  'finalEntropyCoef',
  'valueCoef',
  'targetKl',
  'innerGuard',
  'learningRate',
  'finalLearningRate',
  'adaptiveRate',
] as const satisfies readonly (keyof AgentFlags)[];

/** Options of what an algorithm does otherwise: one natural-gradient step, a critic trained apart. */
const without: { readonly [algorithm: string]: readonly (keyof AgentFlags)[] } = {
  trpo: ofGradientSteps,
  npg: ofGradientSteps,
  mdpo: ['valueCoef'],
};

/** What these are where they are not given. */
const unset: { readonly [name in keyof AgentFlags]?: unknown } = {
  prioritized: false,
  pessimistic: true,
  discountedStateWeights: false,
  learnAlpha: true,
  double: true,
};

/** The flags of these names that were given, by name. */
const given = (flags: AgentFlags, names: readonly (keyof AgentFlags)[]): Record<string, unknown> =>
  Object.fromEntries(
    names.flatMap((name) => (flags[name] === undefined || flags[name] === unset[name] ? [] : [[name, flags[name]]])),
  );

/** The flags that are of agents alone, not of tables, and were given: by name. */
export const givenAgentFlags = (flags: object): Record<string, unknown> =>
  given(flags as AgentFlags, [...everywhere, 'negativeWeight', 'klEstimator', 'clipEpsilonHigh']);

/** @throws ConfigError for a flag that the algorithm does not have: it would change nothing */
export function refuseOthers(flags: AgentFlags, kind: Settings['kind']): void {
  const own: readonly string[] = [...plain[kind], ...parts[kind]];
  const others = everywhere.filter((name) => !own.includes(name));
  const ofOthers = Object.entries({ ...ofSurrogates, ...ofSome }).flatMap(([name, algorithms]) =>
    (algorithms as readonly string[]).includes(flags.algo) ? [] : [name as keyof AgentFlags],
  );
  const ofSteps = Object.hasOwn(without, flags.algo) ? (without[flags.algo] ?? []) : [];
  for (const [name, got] of Object.entries(given(flags, [...others, ...ofOthers, ...ofSteps])))
    throw refused(name, `${flags.algo} has no such option`, got, 'Leave it out');
}

/** Of an agent on policy. @throws ConfigError for flags that do not go together */
export function onPolicyFlags(flags: AgentFlags, preset: Partial<OnPolicyOptions>): Partial<OnPolicyOptions> {
  const { normalize, normalizeAdvantage: spread } = flags;
  if (normalize !== undefined && normalize.length > 1 && normalize.includes('none'))
    throw refused('normalize', 'none stands alone', normalize.join(','), 'Name what is normalised, or none');
  return {
    ...(given(flags, plain['on-policy']) as Partial<OnPolicyOptions>),
    ...rateOf(flags, preset.learningRate),
    ...entropyOf(flags, preset.entropyCoef),
    ...(normalize && { normalize: { obs: normalize.includes('obs'), reward: normalize.includes('reward') } }),
    ...(spread && { normalizeAdvantage: spread === 'none' ? false : spread }),
    ...nested(flags, preset),
    ...surrogateOf(flags, preset.surrogate),
  };
}

/** Options that are objects: of each the preset's, and what the flags say of it. @throws ConfigError for a part of none */
function nested(flags: AgentFlags, preset: Partial<OnPolicyOptions>): Partial<OnPolicyOptions> {
  const merged = <T extends object>(before: T | undefined, from: { readonly [flag in keyof AgentFlags]?: keyof T }) => {
    const said = Object.entries(from).filter(([flag]) => flags[flag as keyof AgentFlags] !== undefined);
    const changed = Object.fromEntries(said.map(([flag, part]) => [part, flags[flag as keyof AgentFlags]]));
    return said.length === 0 ? undefined : ({ ...before, ...changed } as T);
  };
  const recurrent = merged(preset.recurrent, { recurrent: 'cell', memorySize: 'size', memorySequence: 'sequence' });
  const adaptiveRate = merged(preset.adaptiveRate, {
    adaptiveRate: 'kl',
    minLearningRate: 'min',
    maxLearningRate: 'max',
  });
  const critic = merged(preset.critic, {
    criticEpochs: 'epochs',
    criticBatchSize: 'batchSize',
    criticLearningRate: 'learningRate',
  });
  const adaptiveKl = merged(preset.adaptiveKl, { adaptiveKl: 'target', klPenalty: 'initial' });
  const { trustRegion: delta, cgIterations, damping, shrink, backtracks } = flags;
  const region = Object.entries({ delta, cgIterations, damping, shrink, backtracks }).filter(
    ([, v]) => v !== undefined,
  );
  needs(
    flags,
    recurrent?.cell === undefined,
    ['memorySize', 'memorySequence'],
    'there is no memory',
    '--recurrent gru',
  );
  needs(
    flags,
    adaptiveRate?.kl === undefined,
    ['minLearningRate', 'maxLearningRate'],
    'the learning rate is not adapted',
    '--adaptive-rate 0.01',
  );
  needs(
    flags,
    critic?.epochs === undefined,
    ['criticBatchSize', 'criticLearningRate'],
    'the value function has no passes of its own',
    '--critic-epochs 10',
  );
  return {
    ...(recurrent && { recurrent }),
    ...(adaptiveRate && { adaptiveRate }),
    ...(critic && { critic: { ...critic, batchSize: critic.batchSize ?? 64 } }),
    ...(adaptiveKl && { adaptiveKl }),
    ...(region.length > 0 && { trustRegion: { ...preset.trustRegion, ...Object.fromEntries(region) } }),
  };
}

/** @throws ConfigError for flags of something that there is not */
function needs(
  flags: AgentFlags,
  missing: boolean,
  names: readonly (keyof AgentFlags)[],
  what: string,
  flag: string,
): void {
  const name = missing ? names.find((one) => flags[one] !== undefined) : undefined;
  if (name !== undefined) throw refused(name, what, flags[name], `Add ${flag}, or leave it out`);
}

/** A constant, or a straight line to --final-entropy-coef. */
function entropyOf(
  { entropyCoef, finalEntropyCoef }: AgentFlags,
  preset: OnPolicyOptions['entropyCoef'] = 0,
): Pick<OnPolicyOptions, 'entropyCoef'> {
  if (finalEntropyCoef === undefined) return {};
  const first = typeof preset === 'object' ? preset.from : typeof preset === 'function' ? preset(0) : preset;
  return { entropyCoef: { from: entropyCoef ?? first, to: finalEntropyCoef } };
}

/** Of an agent off policy. @throws ConfigError for flags that do not go together */
export function offPolicyFlags(flags: AgentFlags, preset: Partial<OffPolicyOptions>): Partial<OffPolicyOptions> {
  const { her: strategy, herFraction: fraction } = flags;
  if (fraction !== undefined && strategy === undefined)
    throw refused('herFraction', 'nothing is relabelled', fraction, 'Add --her future, or leave it out');
  const { priorityAlpha: alpha, priorityBeta: beta, temperature } = flags;
  const { initialExploration: from = 1, finalExploration: to = 0.05 } = flags;
  const explores = flags.initialExploration !== undefined || flags.finalExploration !== undefined;
  if (!flags.prioritized && (alpha ?? beta) !== undefined)
    throw refused(
      alpha === undefined ? 'priorityBeta' : 'priorityAlpha',
      'rows are drawn uniformly',
      alpha ?? beta,
      'Add --prioritized, or leave it out',
    );
  const prioritized = {
    ...(alpha !== undefined && { alpha }),
    ...(beta !== undefined && { beta }),
  };
  const her = strategy && { her: { strategy, ...(fraction !== undefined && { fraction }) } };
  return {
    ...(given(flags, plain['off-policy']) as Partial<OffPolicyOptions>),
    ...rateOf(flags, preset.learningRate),
    ...(temperature !== undefined && { alpha: temperature }),
    ...(explores && { exploration: { from, to } }),
    buffer: {
      ...preset.buffer,
      ...given(flags, ['capacity', 'nStep', 'prioritized']),
      ...(Object.keys(prioritized).length > 0 && { prioritized }),
      ...her,
    },
  };
}

/** A constant, or a straight line to --final-learning-rate. */
function rateOf(
  { learningRate, finalLearningRate }: AgentFlags,
  preset: OnPolicyOptions['learningRate'] = 3e-4,
): Pick<OnPolicyOptions, 'learningRate'> {
  if (finalLearningRate === undefined) return learningRate === undefined ? {} : { learningRate };
  const first = typeof preset === 'object' ? preset.from : (preset as number);
  return { learningRate: { from: learningRate ?? first, to: finalLearningRate } };
}

/** The preset's surrogate with other options, or another one; nothing where it stays. */
function surrogateOf(flags: AgentFlags, preset: OnPolicyOptions['surrogate']): Pick<OnPolicyOptions, 'surrogate'> {
  const { surrogate: other, weightTemperature: temperature } = flags;
  needs(flags, other !== 'mpo', ['weightTemperature'], 'nothing is weighed by exp(advantage/λ)', '--surrogate mpo');
  const { clipEpsilonHigh: high, ...changed } = given(flags, Object.keys(ofSurrogates) as (keyof AgentFlags)[]) as {
    clipEpsilonHigh?: number;
    clipEpsilon?: number | { low: number; high: number };
  };
  if (other !== undefined) {
    const name = Object.keys(changed)[0] ?? (high === undefined ? undefined : 'clipEpsilonHigh');
    if (name !== undefined)
      throw refused(name, `the surrogate ${other} has none`, flags[name as 'eta'], 'Leave it out');
    return { surrogate: other === 'mpo' ? surrogates.mpo(temperature ? { temperature } : {}) : surrogates.ratio() };
  }
  if (high !== undefined) changed.clipEpsilon = { low: flags.clipEpsilon ?? 0.2, high };
  if (preset === undefined || Object.keys(changed).length === 0) return {};
  const make = surrogates[preset.surrogate as keyof typeof surrogates];
  return { surrogate: make({ ...preset.options, ...changed } as never) };
}

function refused(name: string, what: string, got: unknown, fix: string): ConfigError {
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return new ConfigError({ where: `gimbal control train --${flag}`, what, got, fix });
}

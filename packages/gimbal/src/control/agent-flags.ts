// Flags of `gimbal control train` that are of agents: which algorithm has which.
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
  optimizer?: 'adam' | 'adamw' | 'rmsprop' | 'sgd' | 'lion' | 'adafactor' | undefined;
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
export const plain = {
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
    'optimizer',
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
export const ofSurrogates = {
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

/** Options that an algorithm does not use. */
export function notOf(algo: string): string[] {
  const ofOthers = Object.entries({ ...ofSurrogates, ...ofSome }).flatMap(([name, algorithms]) =>
    (algorithms as readonly string[]).includes(algo) ? [] : [name],
  );
  return [...ofOthers, ...(Object.hasOwn(without, algo) ? (without[algo] ?? []) : [])];
}

/** What these are where they are not given. */
const unset: { readonly [name in keyof AgentFlags]?: unknown } = {
  prioritized: false,
  pessimistic: true,
  discountedStateWeights: false,
  learnAlpha: true,
  double: true,
};

/** The flags of these names that were given, by name. */
export const given = (flags: AgentFlags, names: readonly (keyof AgentFlags)[]): Record<string, unknown> =>
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
  const unused = notOf(flags.algo) as (keyof AgentFlags)[];
  for (const [name, got] of Object.entries(given(flags, [...others, ...unused])))
    throw refused(name, `${flags.algo} has no such option`, got, 'Leave it out');
}

/** The error of a flag, told by the option's name. */
export function refused(name: string, what: string, got: unknown, fix: string): ConfigError {
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return new ConfigError({ where: `gimbal control train --${flag}`, what, got, fix });
}

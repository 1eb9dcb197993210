// Flags of `gimbal control train` as options of an agent: those of the same name, and those that become part of one.
import {
  type Anneal,
  type OffPolicyOptions,
  type OnPolicyOptions,
  offPolicyDefaults,
  surrogates,
} from '@gimbal/fma-pg';
import { type AgentFlags, given, ofSurrogates, plain, refused } from './agent-flags.ts';

/** Of an agent on policy. @throws ConfigError for flags that do not go together */
export function onPolicyFlags(flags: AgentFlags, preset: Partial<OnPolicyOptions>): Partial<OnPolicyOptions> {
  const { normalize, normalizeAdvantage: spread } = flags;
  if (normalize !== undefined && normalize.length > 1 && normalize.includes('none'))
    throw refused('normalize', 'none stands alone', normalize.join(','), 'Name what is normalised, or none');
  return {
    ...(given(flags, plain['on-policy']) as Partial<OnPolicyOptions>),
    ...rateOf(flags, preset.learningRate),
    ...optimizerOf(flags, preset.optimizer),
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
    ...explorationOf(flags, preset.exploration),
    buffer: {
      ...preset.buffer,
      ...given(flags, ['capacity', 'nStep', 'prioritized']),
      ...(Object.keys(prioritized).length > 0 && { prioritized }),
      ...her,
    },
  };
}

/** The ends of a straight line; what flags do not say is the preset's. */
function explorationOf(
  { initialExploration, finalExploration }: AgentFlags,
  preset: OffPolicyOptions['exploration'] = offPolicyDefaults.exploration,
): Pick<OffPolicyOptions, 'exploration'> {
  if (initialExploration === undefined && finalExploration === undefined) return {};
  const { from, to } = typeof preset === 'object' ? preset : offPolicyDefaults.exploration;
  return { exploration: { from: initialExploration ?? from, to: finalExploration ?? to } };
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

/** The preset's where it is of that name; another has ε 1e-5, as its Adam has, where it divides by a root of squares. */
function optimizerOf(
  { optimizer: name }: AgentFlags,
  preset: OnPolicyOptions['optimizer'],
): Pick<OnPolicyOptions, 'optimizer'> {
  if (name === undefined || name === preset?.name) return {};
  return { optimizer: name === 'adam' || name === 'adamw' || name === 'rmsprop' ? { name, epsilon: 1e-5 } : { name } };
}

/** The preset's surrogate with other options, or another one; nothing where it stays. */
function surrogateOf(flags: AgentFlags, preset: OnPolicyOptions['surrogate']): Pick<OnPolicyOptions, 'surrogate'> {
  const { surrogate: other, weightTemperature: temperature } = flags;
  needs(flags, other !== 'mpo', ['weightTemperature'], 'nothing is weighed by exp(advantage/λ)', '--surrogate mpo');
  const { clipEpsilonHigh: high, ...changed } = given(flags, Object.keys(ofSurrogates) as (keyof AgentFlags)[]) as {
    clipEpsilonHigh?: number;
    clipEpsilon?: number | { low: Anneal; high: number };
  };
  if (other !== undefined) {
    const name = Object.keys(changed)[0] ?? (high === undefined ? undefined : 'clipEpsilonHigh');
    if (name !== undefined)
      throw refused(name, `the surrogate ${other} has none`, flags[name as 'eta'], 'Leave it out');
    return { surrogate: other === 'mpo' ? surrogates.mpo(temperature ? { temperature } : {}) : surrogates.ratio() };
  }
  if (preset === undefined) return {};
  // below stays what the preset has: a number, or one that falls over the run
  const { clipEpsilon = 0.2 } = preset.options as { clipEpsilon?: Anneal };
  if (high !== undefined) changed.clipEpsilon = { low: flags.clipEpsilon ?? clipEpsilon, high };
  if (Object.keys(changed).length === 0) return {};
  const make = surrogates[preset.surrogate as keyof typeof surrogates];
  return { surrogate: make({ ...preset.options, ...changed } as never) };
}

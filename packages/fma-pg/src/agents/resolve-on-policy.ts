/** Options of on-policy agents, looked at before anything is made. */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkOpenShare,
  checkOption,
  checkPositive,
  checkSeed,
  checkShare,
  createOptimizer,
} from '@gimbal/tensor-core';
import { annealed, checkAnneal } from '../internal/anneal.ts';
import { checkNames, checkWidths } from '../internal/lists.ts';
import type { RecurrentOptions } from '../policies/recurrent.ts';
import { checkSurrogate } from '../surrogates/surrogate-result.ts';
import { surrogates } from '../surrogates/surrogates.ts';
import { type AdaptiveRate, boundsOf } from './adaptive.ts';
import { checkEnvSource, checkEvalEnv } from './env-source.ts';
import { checkAuxLosses, checkRewardSource } from './hooks.ts';
import { furtherOfAgents, type OnPolicyOptions, onPolicyDefaults, type ResolvedOnPolicy } from './on-policy-options.ts';

const further = [
  ...furtherOfAgents,
  'auxLosses',
  'criticObs',
  'surrogate',
  'valueClip',
  'targetKl',
  'adaptiveKl',
  'adaptiveRate',
  'critic',
  'trustRegion',
  'normalize',
  'recurrent',
] as const;

/** Every option of an on-policy agent. */
export const onPolicyOptionNames: readonly string[] = [...Object.keys(onPolicyDefaults), ...further];

/** @throws ConfigError naming the option, before anything is made */
export function resolveOnPolicy(options: OnPolicyOptions): ResolvedOnPolicy {
  const where = options.algorithm ?? onPolicyDefaults.algorithm;
  checkKnown(where, options, onPolicyOptionNames);
  checkEnvSource(options.env);
  checkEvalEnv(options.evalEnv);
  checkRewardSource(options.rewardSource);
  checkAuxLosses(options.auxLosses);
  const adapts = options.adaptiveKl !== undefined && (options.method ?? 'gradient') === 'gradient';
  const o: ResolvedOnPolicy = {
    ...onPolicyDefaults,
    surrogate: adapts ? surrogates.ppoKl() : surrogates.ppoClip(),
    ...options,
    normalize: { obs: options.normalize?.obs ?? false, reward: options.normalize?.reward ?? false },
    trustRegion: { delta: 0.01, cgIterations: 10, damping: 0.1, shrink: 0.8, backtracks: 10, ...options.trustRegion },
  };
  if (typeof o.env !== 'function') o.numEnvs = o.env.numEnvs;
  for (const key of ['numEnvs', 'rollout', 'epochs', 'minibatches', 'evalEpisodes'] as const) checkCount(key, o[key]);
  for (const key of ['evalEvery', 'checkpointEvery', 'keepCheckpoints'] as const)
    if (o[key] !== undefined) checkCount(key, o[key]);
  checkShare('gamma', o.gamma);
  checkShare('gaeLambda', o.gaeLambda);
  checkAnneal('learningRate', o.learningRate, (x) => x >= 0, 'a finite number ≥ 0');
  checkOption('learningRate', annealed(o.learningRate, 0), annealed(o.learningRate, 0) > 0, 'more than 0 at the start');
  checkAnneal('entropyCoef', o.entropyCoef, (x) => x >= 0, 'a finite number ≥ 0');
  checkPositive('maxGradNorm', o.maxGradNorm);
  checkOption('valueCoef', o.valueCoef, Number.isFinite(o.valueCoef) && o.valueCoef >= 0, 'a finite number ≥ 0');
  for (const key of ['valueClip', 'targetKl'] as const) if (o[key] !== undefined) checkPositive(key, o[key]);
  checkNested(options, o);
  checkOption('initialLogStd', o.initialLogStd, Number.isFinite(o.initialLogStd), 'a finite number');
  const weighs = o.discountedStateWeights;
  checkOption('discountedStateWeights', weighs, typeof weighs === 'boolean', 'true or false');
  checkWidths('hidden', o.hidden);
  if (o.criticObs !== undefined) checkNames('criticObs', o.criticObs);
  checkName('method', o.method, ['gradient', 'trpo', 'npg']);
  checkName('returns', o.returns, ['gae', 'vtrace']);
  checkName('innerGuard', o.innerGuard, ['off', 'warn', 'restore']);
  checkName('activation', o.activation, ['tanh', 'relu']);
  if (o.normalizeAdvantage !== false) checkName('normalizeAdvantage', o.normalizeAdvantage, ['minibatch', 'batch']);
  checkGradientSteps(o);
  checkSeed(o.seed);
  createOptimizer(o.optimizer);
  checkSplit(o);
  if (o.recurrent !== undefined) o.recurrent = resolveRecurrent(o, o.recurrent);
  if (o.adaptiveRate !== undefined) checkAdaptiveRate(o, o.adaptiveRate);
  if (o.method !== 'gradient' && o.critic === undefined) o.critic = { epochs: 10, batchSize: 128, learningRate: 1e-3 };
  if (o.checkpointEvery !== undefined && o.out === undefined)
    throw new ConfigError({ where: 'checkpointEvery', what: 'there is nowhere to save', fix: 'Give out, a folder' });
  if (o.evalEvery !== undefined && o.evalEnv === undefined && typeof o.env !== 'function') {
    const fix = 'Give evalEnv, a function that makes one';
    throw new ConfigError({ where: 'evalEvery', what: 'there is no environment to evaluate on', fix });
  }
  return o;
}

/** Options that are objects: their names and numbers. */
function checkNested({ normalize, critic, adaptiveKl }: OnPolicyOptions, { trustRegion }: ResolvedOnPolicy): void {
  if (normalize !== undefined) {
    checkKnown('normalize', normalize, ['obs', 'reward']);
    for (const [key, value] of Object.entries(normalize))
      checkOption(`normalize.${key}`, value, value === undefined || typeof value === 'boolean', 'true or false');
  }
  checkKnown('trustRegion', trustRegion, ['delta', 'cgIterations', 'damping', 'shrink', 'backtracks']);
  for (const key of ['delta', 'damping'] as const) checkPositive(`trustRegion.${key}`, trustRegion[key]);
  // from 1 on the line search would stand, or walk away
  checkOpenShare('trustRegion.shrink', trustRegion.shrink);
  for (const key of ['cgIterations', 'backtracks'] as const) checkCount(`trustRegion.${key}`, trustRegion[key]);
  if (critic !== undefined) {
    checkKnown('critic', critic, ['epochs', 'batchSize', 'learningRate']);
    for (const key of ['epochs', 'batchSize'] as const) checkCount(`critic.${key}`, critic[key]);
    if (critic.learningRate !== undefined) checkPositive('critic.learningRate', critic.learningRate);
  }
  if (adaptiveKl === undefined) return;
  checkKnown('adaptiveKl', adaptiveKl, ['target', 'initial']);
  checkPositive('adaptiveKl.target', adaptiveKl.target);
  checkPositive('adaptiveKl.initial', adaptiveKl.initial ?? 1);
}

/** A surrogate, and options of gradient steps on one, where they would change nothing. */
function checkGradientSteps({ surrogate, method, adaptiveKl, targetKl, innerGuard }: ResolvedOnPolicy): void {
  checkSurrogate(surrogate);
  const { surrogate: name } = surrogate;
  // the clipped one is the default: it may not have been asked for
  if (adaptiveKl !== undefined && name !== 'ppoKl' && name !== 'ppoClip') {
    const wanted = 'surrogates.ppoKl()';
    throw new ConfigError({ where: 'adaptiveKl', what: 'it is PPO-KL’s penalty that is adapted', got: name, wanted });
  }
  if (method === 'gradient') return;
  const what = `${method} takes one natural-gradient step on the ratio: this would change nothing`;
  if (name !== 'ratio' && name !== 'ppoClip')
    throw new ConfigError({ where: 'surrogate', what, got: name, fix: "Leave it out, or use method 'gradient'" });
  if (targetKl !== undefined) throw new ConfigError({ where: 'targetKl', what, fix: 'Give trustRegion: { delta }' });
  if (innerGuard !== 'off') throw new ConfigError({ where: 'innerGuard', what, fix: 'Leave it out' });
}

/** A rollout must fill its minibatches, and one entry alone has no deviation to be divided by. */
function checkSplit({ rollout, numEnvs, minibatches, normalizeAdvantage }: ResolvedOnPolicy): void {
  const rows = rollout * numEnvs;
  checkOption('minibatches', minibatches, minibatches <= rows, `at most rollout·numEnvs = ${rows}`);
  if (normalizeAdvantage === 'batch' && rows < 2)
    throw new ConfigError({
      where: 'rollout',
      what: 'a rollout of one entry cannot be normalised',
      got: rows,
      wanted: 'rollout·numEnvs of at least 2',
      fix: 'Use a longer rollout, or normalizeAdvantage: false',
    });
  const least = Math.floor(rows / minibatches);
  if (normalizeAdvantage !== 'minibatch' || least > 1) return;
  throw new ConfigError({
    where: 'minibatches',
    what: 'a minibatch of one entry cannot be normalised',
    got: `${rows} entries in ${minibatches} parts`,
    wanted: 'at least 2 in each',
    fix: 'Use fewer minibatches, or normalizeAdvantage: false',
  });
}

function checkAdaptiveRate({ method }: ResolvedOnPolicy, given: AdaptiveRate): void {
  checkKnown('adaptiveRate', given, ['kl', 'min', 'max']);
  const { min, max } = boundsOf(given);
  for (const [name, value] of Object.entries({ kl: given.kl, min, max })) checkPositive(`adaptiveRate.${name}`, value);
  checkOption('adaptiveRate.max', max, max >= min, `at least min = ${min}`);
  checkOption('method', method, method === 'gradient', "'gradient': adaptiveRate is of gradient steps");
}

/** @throws ConfigError for what does not go with a memory */
function resolveRecurrent(o: ResolvedOnPolicy, given: RecurrentOptions): Required<RecurrentOptions> {
  checkKnown('recurrent', given, ['cell', 'size', 'sequence']);
  const { cell, size = 64, sequence = largestDivisor(o.rollout, 32) } = given;
  checkName('recurrent.cell', cell, ['gru', 'lstm']);
  checkCount('recurrent.size', size);
  checkCount('recurrent.sequence', sequence);
  checkOption('recurrent.sequence', sequence, o.rollout % sequence === 0, `a divisor of rollout = ${o.rollout}`);
  const sequences = (o.rollout / sequence) * o.numEnvs;
  checkOption(
    'minibatches',
    o.minibatches,
    o.minibatches <= sequences,
    `at most rollout·numEnvs/sequence = ${sequences}`,
  );
  const wrong =
    o.method !== 'gradient'
      ? `method ${o.method}`
      : o.returns !== 'gae'
        ? `returns ${o.returns}`
        : o.critic !== undefined
          ? 'a critic trained apart'
          : typeof o.env !== 'function' && o.env.autoresetMode !== 'same-step'
            ? `${o.env.autoresetMode} autoreset`
            : undefined;
  if (wrong === undefined) return { cell, size, sequence };
  throw new ConfigError({
    where: 'recurrent',
    what: 'a memory does not go with this',
    got: wrong,
    wanted: 'gradient steps, gae, one loss for policy and values, same-step autoreset',
    fix: 'Use ppo, sppo, smdpo, spma or ppoKl',
  });
}

function largestDivisor(n: number, most: number): number {
  let d = Math.min(n, most);
  while (n % d !== 0) d--;
  return d;
}

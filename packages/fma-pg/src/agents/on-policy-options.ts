/** Options of on-policy agents: defaults, checks, and what of them a checkpoint holds. */
import {
  ConfigError,
  checkCount,
  checkKnown,
  checkName,
  checkOption,
  checkPositive,
  checkSeed,
  checkShare,
  createOptimizer,
  type Env,
  type OptimizerOptions,
  type Params,
  type Rng,
  type VectorEnv,
} from '@gimbal/tensor-core';
import type { Scalar } from '@tensorflow/tfjs-core';
import { type Anneal, annealed, checkAnneal } from '../internal/anneal.ts';
import type { RecurrentOptions } from '../policies/recurrent.ts';
import type { Surrogate } from '../surrogates/surrogate.ts';
import { surrogates } from '../surrogates/surrogates.ts';
import { type AdaptiveRate, boundsOf } from './adaptive.ts';
import { checkEnvSource, checkEvalEnv } from './env-source.ts';

/** Where an agent acts: a function that makes one environment (called `numEnvs` times), or many at once. */
export type EnvSource = (() => Env | Promise<Env>) | VectorEnv;

/** Transitions as hooks see them; arrays are the agent's, valid during the call. */
export interface TransitionBatch {
  /** number of transitions; steps in which a copy was only reset are none */
  rows: number;
  /** `[rows·O]`, normalised as the policy sees them */
  obs: Float32Array;
  /** `[rows·action]` */
  actions: Float32Array;
  /** the true next observation, also where an episode ended `[rows·O]` */
  nextObs: Float32Array;
  /** as the environment gave them `[rows]` */
  rewards: Float32Array;
  /** `[rows]`, 0 or 1 */
  terminated: Uint8Array;
  /** `[rows]`, 0 or 1 */
  truncated: Uint8Array;
}

/** Replaces rewards: called once per rollout, or per sampled batch where the agent is off-policy. */
export interface RewardSource {
  /** The rewards to learn from `[rows]`. */
  reward(batch: TransitionBatch): Float32Array;
}

/** A further loss with parameters and an optimiser of its own, trained on the same data. */
export interface AuxLoss {
  /** in messages and metrics */
  name: string;
  /** variables; the caller owns them */
  params: Params;
  /** default 3e-4 */
  learningRate?: number;
  /** The loss of a batch, to be minimised. */
  loss(params: Params, batch: TransitionBatch, rng: Rng): Scalar;
}

/** What every agent is given: where it acts, how it is built, where it is kept. */
export interface AgentOptions {
  /** where it acts */
  env: EnvSource;
  /** default 1; not with a VectorEnv */
  numEnvs?: number;
  /** default .99 */
  gamma?: number;
  /** widths of the hidden layers of policy and value; default 64, 64 */
  hidden?: readonly number[];
  /** of the hidden layers; default tanh */
  activation?: 'tanh' | 'relu';
  /** evaluate each so many environment steps, on environments of their own */
  evalEvery?: number;
  /** default 10 */
  evalEpisodes?: number;
  /** where to evaluate; default the function given as `env` */
  evalEnv?: () => Env | Promise<Env>;
  /** save each so many environment steps; needs `out` */
  checkpointEvery?: number;
  /** how many of the latest checkpoints stay, beside the best; default 1 */
  keepCheckpoints?: number;
  /** folder of the run: metrics.jsonl, TensorBoard events, checkpoints (the latest and the best evaluated) */
  out?: string;
  /** replaces the environment's rewards */
  rewardSource?: RewardSource;
  /** further losses on the same data */
  auxLosses?: readonly AuxLoss[];
  /** keys of a dictionary observation that only the value function sees */
  criticObs?: readonly string[];
  /** of every random stream: first weights, actions, batches, environments */
  seed: number;
}

/** What an on-policy agent is given. */
export interface OnPolicyOptions extends AgentOptions {
  /** name in messages and files; default 'on-policy' */
  algorithm?: string;
  /** default ppoClip, with `adaptiveKl` ppoKl */
  surrogate?: Surrogate;
  /** how the policy is updated: minibatch gradient steps, or one natural-gradient step with or without a line search */
  method?: 'gradient' | 'trpo' | 'npg';
  /** T, steps of every copy per update; default 128 */
  rollout?: number;
  /** passes over a rollout; default 4 */
  epochs?: number;
  /** parts that a rollout is split into; default 4 */
  minibatches?: number;
  /** default .95 */
  gaeLambda?: number;
  /** 'gae' (default); 'vtrace' re-weighs each epoch with the policy as it is by then */
  returns?: 'gae' | 'vtrace';
  /** default 3e-4 */
  learningRate?: Anneal;
  /** default Adam with ε 1e-5; a critic trained apart has one of its own, with the same options */
  optimizer?: OptimizerOptions;
  /** default .5 */
  maxGradNorm?: number;
  /** default 0 */
  entropyCoef?: Anneal;
  /** of ½ mean (V − return)²; default .5 */
  valueCoef?: number;
  /** V stays within so much of its old value: the larger of the two losses counts; default off */
  valueClip?: number;
  /** default 'minibatch' */
  normalizeAdvantage?: 'minibatch' | 'batch' | false;
  /** stop the inner loop where the mean k3 exceeds 1.5 times this */
  targetKl?: number;
  /** PPO-KL: the penalty is halved below target/1.5 and doubled above 1.5·target, after each update */
  adaptiveKl?: { target: number; initial?: number };
  /**
   * the learning rate by the KL of an update: divided by 1.5 above twice `kl`, multiplied below half of it, within min
   * (1e-5) … max (1e-2); default off
   */
  adaptiveRate?: AdaptiveRate;
  /**
   * look at the surrogate on the whole batch after each pass: where it is lower than before the first, 'restore' goes
   * back to the last pass that was good and ends the update, 'warn' says so (console.warn, once) and counts; default 'off'
   */
  innerGuard?: 'off' | 'warn' | 'restore';
  /** the value function's own passes, beside the policy's: what TRPO and MDPO do */
  critic?: { epochs: number; batchSize: number; learningRate?: number };
  /** of 'trpo' and 'npg' */
  trustRegion?: { delta?: number; cgIterations?: number; damping?: number; shrink?: number; backtracks?: number };
  /** weigh entries by γ^t, which makes the gradient that of J; default false, as everywhere */
  discountedStateWeights?: boolean;
  /** observations to mean 0 and spread 1, rewards by the spread of the running return; default neither */
  normalize?: { obs?: boolean; reward?: boolean };
  /** default 0 */
  initialLogStd?: number;
  /** a memory (GRU or LSTM) in policy and value function, 0 at the start of each episode; default none */
  recurrent?: RecurrentOptions;
}

/** What is used for options that are not given. */
export const onPolicyDefaults = {
  algorithm: 'on-policy',
  numEnvs: 1,
  gamma: 0.99,
  hidden: [64, 64],
  activation: 'tanh',
  evalEpisodes: 10,
  method: 'gradient',
  rollout: 128,
  epochs: 4,
  minibatches: 4,
  gaeLambda: 0.95,
  returns: 'gae',
  learningRate: 3e-4,
  optimizer: { name: 'adam', epsilon: 1e-5 },
  maxGradNorm: 0.5,
  entropyCoef: 0,
  valueCoef: 0.5,
  normalizeAdvantage: 'minibatch',
  innerGuard: 'off',
  discountedStateWeights: false,
  initialLogStd: 0,
} as const satisfies Partial<OnPolicyOptions>;

export type ResolvedOnPolicy = Omit<OnPolicyOptions, keyof typeof onPolicyDefaults | 'surrogate' | 'normalize'> &
  Required<Pick<OnPolicyOptions, keyof typeof onPolicyDefaults | 'surrogate'>> & {
    normalize: { obs: boolean; reward: boolean };
    trustRegion: Required<NonNullable<OnPolicyOptions['trustRegion']>>;
  };

/** Options of every agent that have no default. */
export const furtherOfAgents = [
  'env',
  'evalEvery',
  'evalEnv',
  'checkpointEvery',
  'keepCheckpoints',
  'out',
  'rewardSource',
  'seed',
] as const satisfies readonly (keyof AgentOptions)[];

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

/** @throws ConfigError naming the option, before anything is made */
export function resolveOnPolicy(options: OnPolicyOptions): ResolvedOnPolicy {
  const where = options.algorithm ?? onPolicyDefaults.algorithm;
  checkKnown(where, options, [...Object.keys(onPolicyDefaults), ...further]);
  checkEnvSource(options.env);
  checkEvalEnv(options.evalEnv);
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
  checkName('method', o.method, ['gradient', 'trpo', 'npg']);
  checkName('returns', o.returns, ['gae', 'vtrace']);
  checkName('innerGuard', o.innerGuard, ['off', 'warn', 'restore']);
  checkName('activation', o.activation, ['tanh', 'relu']);
  if (o.normalizeAdvantage !== false) checkName('normalizeAdvantage', o.normalizeAdvantage, ['minibatch', 'batch']);
  checkSurrogate(o);
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
  for (const key of ['delta', 'damping', 'shrink'] as const) checkPositive(`trustRegion.${key}`, trustRegion[key]);
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
function checkSurrogate({ surrogate, method, adaptiveKl, targetKl, innerGuard }: ResolvedOnPolicy): void {
  const name = (surrogate as Partial<Surrogate>).surrogate;
  if (typeof surrogate !== 'function' || name === undefined) {
    const wanted = 'one of surrogates, as surrogates.ppoClip()';
    throw new ConfigError({ where: 'surrogate', what: 'no surrogate', got: surrogate, wanted });
  }
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

/** A rollout must fill its minibatches, and a minibatch of one entry has no deviation to be divided by. */
function checkSplit({ rollout, numEnvs, minibatches, normalizeAdvantage }: ResolvedOnPolicy): void {
  const rows = rollout * numEnvs;
  checkOption('minibatches', minibatches, minibatches <= rows, `at most rollout·numEnvs = ${rows}`);
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

const notSaved = new Set([
  'env',
  'evalEnv',
  'out',
  'rewardSource',
  'auxLosses',
  'evalEvery',
  'evalEpisodes',
  'checkpointEvery',
  'keepCheckpoints',
  'surrogate',
]);

/** What decides the numbers of a run, as JSON. */
export function savedOptions(o: object): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(o)) {
    if (notSaved.has(key)) continue;
    kept[key] = typeof value === 'function' ? 'function' : value;
  }
  return kept;
}

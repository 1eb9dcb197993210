/** Options of RL on tokens: defaults, checks. Names are TRL's where it has one. */
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
  flatten,
  type LoopOptions,
  type Monitor,
  type Params,
  type Prompt,
  type RewardFn,
  type Schedule,
  schedules,
  type TextCodec,
  type TokenPolicy,
} from '@gimbal/tensor-core';
import { refuseSpreadPreset } from '../internal/marked-presets.ts';
import type { RatioOptions, Surrogate } from '../surrogates/surrogate.ts';
import { checkSurrogate } from '../surrogates/surrogate-result.ts';
import { surrogates } from '../surrogates/surrogates.ts';
import { checkPrompts } from './token-prompts.ts';

/** One of several reward functions whose weighted sum is the reward. */
export interface NamedReward {
  /** its metric, the mean before the weight, is called `reward_` and this */
  name: string;
  /** factor of its rewards in the sum: a number, or a function of the steps done; evaluations take it at `endOfSchedules` */
  weight: Schedule;
  /** scores each completion; null = it abstains, and the others alone make the row's reward */
  fn: RewardFn;
  /**
   * whether a row on which it abstains has no reward (default false): for a judge or a model that abstains where it has no
   * room, whose share would else count 0, the best that a log-probability can be
   */
  required?: boolean | undefined;
}

/** Options of `TokenPolicyTrainer`, beside those of every training loop. */
export interface TokenPolicyOptions
  extends Omit<LoopOptions, 'overflow' | 'gradientCheckpointing' | 'earlyStop' | 'logEvery'> {
  /**
   * prompts that leave the policy's context no room for `maxNewTokens`, where it names a context: left out and counted in
   * the trainer's `overflow` (default), or refused
   */
  overflow?: 'drop' | 'error';
  /** samples completions and gives their log-probabilities; not disposed */
  policy: TokenPolicy;
  /** not kept: the trainer owns variables with the same values */
  params: Params;
  /** turns prompts into tokens, and completions into the texts that are scored */
  codec: TextCodec;
  /** at least one; a step takes `batchSize` · `accumulate` / `samplesPerPrompt` of them */
  prompts: readonly Prompt[];
  /**
   * prompts that are not learnt from: each `evalEvery` steps (default: after the last) one completion of each is sampled
   * and scored, and with `keepBest` (default) and `out` the checkpoint of the highest mean stays; default none
   */
  evalPrompts?: readonly Prompt[];
  /** null = no reward for that row, which stays out of the loss */
  reward: RewardFn | readonly NamedReward[];
  /** β, or α where the mixing is convex; a schedule is looked at before each step; default .05 */
  klCoef?: Schedule;
  /** 'additive' (default): r − βk; 'convex': (1 − α)r − αk, and in the loss (1 − α) of the surrogate's and α of k3 */
  klMixing?: 'additive' | 'convex';
  /** 'reward' (default): k1 of each token is a reward; 'loss': k3 is added to the loss, as in GRPO */
  klIn?: 'reward' | 'loss';
  /** the reference: 'fixed' (default) as the policy was at the start; a moving average of the policy, reference ← rate·reference + (1 − rate)·policy; or a tree */
  anchor?: 'fixed' | { emaRate: number } | { params: Params };
  /** 'token' (default): each token is credited with what follows; 'sequence': all with the whole */
  credit?: 'token' | 'sequence';
  /** default 'leave-one-out'; 'value' needs a policy whose hidden states can be asked for */
  baseline?: 'value' | 'batch' | 'leave-one-out' | 'group' | 'moving-average';
  /**
   * the value function, trained beside the policy: a linear head on hidden states, the policy's as they are (trunk
   * 'policy', default) or those of a copy of the policy's parameters that learns with the head ('own'); default λ 1
   */
  value?: { learningRate: number; gaeLambda?: number; trunk?: 'policy' | 'own' };
  /** default reinforce */
  surrogate?: Surrogate;
  /** updates on the same completions; default 1 */
  epochs?: number;
  /** the policy's first steps: its learning rate rises, or it stays as it is (and the value function learns) */
  policyWarmup?: { steps: number; mode: 'lr' | 'freeze' };
  /** default 1 */
  samplesPerPrompt?: number;
  /** default 1 */
  temperature?: number;
  /**
   * log-probabilities of sampled tokens, in loss and KL: 'unit' (default) at temperature 1 whatever they were sampled at,
   * so that the policy that is trained is the one without a temperature and the gradient is slightly off-policy where
   * `temperature` is not 1; 'tempered': of the distribution that was sampled from, which needs the policy's logits
   */
  rolloutLogProbs?: 'unit' | 'tempered';
  /**
   * most tokens of a completion, its end included: ≥ 1, or ≥ 2 with `missingEos`. rlef.md §7 wants 2 at least, for a text
   * of one token and its end are two: with 1 every completion is empty or cut, and rules for cut ones apply to all that
   * say something. Without such rules one token is a policy of its own (a choice of A to D, a bandit)
   */
  maxNewTokens: number;
  /** completions that were cut at the limit: their reward is replaced, or lessened, or ('mask') they are left out of the loss */
  missingEos?: 'mask' | { reward: number } | { penalty: number };
  /** divided by the deviation in the batch, or among the completions of a prompt (needs two or more); default false */
  normalizeAdvantage?: false | 'batch' | 'group';
  /** sees the prompts and completions of each step; an alert with `stop` ends the training; default none */
  monitor?: Monitor;
}

/** What is used for options that are not given. */
export const tokenDefaults = {
  optimizer: { name: 'adamw' },
  accumulate: 1,
  precision: 'float32',
  klCoef: 0.05,
  klMixing: 'additive',
  klIn: 'reward',
  anchor: 'fixed',
  credit: 'token',
  baseline: 'leave-one-out',
  epochs: 1,
  samplesPerPrompt: 1,
  temperature: 1,
  rolloutLogProbs: 'unit',
  normalizeAdvantage: false,
  keepBest: true,
  overflow: 'drop',
} as const satisfies Partial<TokenPolicyOptions>;

export type ResolvedTokenOptions = Omit<TokenPolicyOptions, keyof typeof tokenDefaults | 'surrogate'> &
  Required<Pick<TokenPolicyOptions, keyof typeof tokenDefaults | 'surrogate'>>;

/** Options without a default. */
const further = [
  'policy',
  'params',
  'codec',
  'prompts',
  'evalPrompts',
  'evalEvery',
  'reward',
  'surrogate',
  'value',
  'policyWarmup',
  'maxNewTokens',
  'missingEos',
  'monitor',
  'learningRate',
  'batchSize',
  'maxGradNorm',
  'checkpointEvery',
  'keepCheckpoints',
  'out',
  'seed',
] as const satisfies readonly (keyof TokenPolicyOptions)[];

/** @throws ConfigError naming the option */
export function resolveTokenOptions(options: TokenPolicyOptions): ResolvedTokenOptions {
  refuseSpreadPreset('TokenPolicyTrainer', options);
  checkKnown('TokenPolicyTrainer', options, [...Object.keys(tokenDefaults), ...further]);
  const o: ResolvedTokenOptions = { ...tokenDefaults, surrogate: surrogates.reinforce(), ...options };
  for (const key of ['batchSize', 'accumulate', 'epochs', 'samplesPerPrompt', 'maxNewTokens'] as const)
    checkCount(key, o[key]);
  for (const key of ['checkpointEvery', 'keepCheckpoints', 'evalEvery'] as const)
    if (o[key] !== undefined) checkCount(key, o[key]);
  checkOption(
    'batchSize',
    o.batchSize,
    o.batchSize % o.samplesPerPrompt === 0,
    `a multiple of samplesPerPrompt = ${o.samplesPerPrompt}`,
  );
  checkPositive('temperature', o.temperature);
  if (o.maxGradNorm !== undefined) checkPositive('maxGradNorm', o.maxGradNorm);
  checkName('klMixing', o.klMixing, ['additive', 'convex']);
  checkName('rolloutLogProbs', o.rolloutLogProbs, ['unit', 'tempered']);
  checkName('klIn', o.klIn, ['reward', 'loss']);
  checkName('credit', o.credit, ['token', 'sequence']);
  checkName('baseline', o.baseline, ['value', 'batch', 'leave-one-out', 'group', 'moving-average']);
  checkName('overflow', o.overflow, ['drop', 'error']);
  checkSeed(o.seed);
  klCoefAt(o, 0);
  const rate = schedules.scheduleAt(o.learningRate, 0);
  checkOption('learningRate', rate, rate >= 0 && Number.isFinite(rate), 'a finite number ≥ 0');
  checkAnchor(o);
  if (o.value !== undefined) checkKnown('value', o.value, ['learningRate', 'gaeLambda', 'trunk']);
  if (o.value !== undefined) checkPositive('value.learningRate', o.value.learningRate);
  if (o.value?.gaeLambda !== undefined) checkShare('value.gaeLambda', o.value.gaeLambda);
  if (o.value?.trunk !== undefined) checkName('value.trunk', o.value.trunk, ['policy', 'own']);
  if (o.value !== undefined && o.baseline !== 'value')
    throw new ConfigError({
      where: 'value',
      what: `baseline '${o.baseline}' has no value function`,
      fix: "Give baseline 'value', or leave value out",
    });
  if (o.policyWarmup !== undefined) {
    checkKnown('policyWarmup', o.policyWarmup, ['steps', 'mode']);
    checkCount('policyWarmup.steps', o.policyWarmup.steps);
    checkName('policyWarmup.mode', o.policyWarmup.mode, ['lr', 'freeze']);
  }
  if (o.normalizeAdvantage !== false) checkName('normalizeAdvantage', o.normalizeAdvantage, ['batch', 'group']);
  if (o.normalizeAdvantage === 'group' && o.samplesPerPrompt < 2) {
    throw new ConfigError({
      where: 'normalizeAdvantage',
      what: "'group' divides by the spread among the completions of one prompt",
      got: o.samplesPerPrompt,
      wanted: 'samplesPerPrompt of 2 or more',
      fix: "Set samplesPerPrompt to 2 or more, or use 'batch'",
    });
  }
  if (o.monitor !== undefined && typeof (o.monitor as Partial<Monitor> | null)?.check !== 'function') {
    const wanted = '{ check(step, prompts, completions) }, which gives a list of alerts';
    throw new ConfigError({ where: 'monitor', what: 'it has no function check', got: typeof o.monitor, wanted });
  }
  if (o.missingEos !== undefined) checkMissingEos(o.missingEos, o.maxNewTokens);
  if (typeof o.reward !== 'function') checkRewards(o.reward);
  checkSurrogate(o.surrogate);
  checkRatioLevel(o);
  checkPrompts('prompts', o.prompts);
  if (o.evalPrompts !== undefined) checkPrompts('evalPrompts', o.evalPrompts);
  if (o.evalEvery !== undefined && o.evalPrompts === undefined)
    throw new ConfigError({ where: 'evalEvery', what: 'there is nothing to evaluate on', fix: 'Give evalPrompts' });
  const peers = o.batchSize * o.accumulate;
  const few = o.baseline === 'group' ? o.samplesPerPrompt : peers;
  if ((o.baseline === 'batch' || o.baseline === 'leave-one-out' || o.baseline === 'group') && few < 2) {
    const fix =
      o.baseline === 'group' ? 'Set samplesPerPrompt to 2 or more' : 'Use a larger batch, or a value function';
    throw new ConfigError({
      where: 'baseline',
      what: `'${o.baseline}' needs others to compare with`,
      got: few,
      wanted: 'at least 2',
      fix,
    });
  }
  if (o.baseline === 'leave-one-out' && o.credit === 'sequence' && o.samplesPerPrompt < 2) {
    const fix = "Set samplesPerPrompt to 2 or more, or use baseline 'batch'";
    throw new ConfigError({
      where: 'baseline',
      what: "'leave-one-out' compares completions of one prompt",
      got: o.samplesPerPrompt,
      wanted: 'at least 2',
      fix,
    });
  }
  if (o.baseline === 'value' && (o.policy as { hidden?: unknown }).hidden === undefined) {
    const fix = "Use a policy with hidden(), or baseline 'leave-one-out'";
    throw new ConfigError({
      where: 'baseline',
      what: "'value' stands on the policy's hidden states, which it does not give",
      fix,
    });
  }
  if (o.surrogate.surrogate === 'mpo' && o.accumulate > 1)
    throw new ConfigError({
      where: 'accumulate',
      what: 'mpo weighs completions against all others of the step, which must be in one batch',
      got: o.accumulate,
      fix: 'Use a larger batchSize, or another surrogate',
    });
  if (o.baseline === 'value' && o.credit === 'sequence')
    throw new ConfigError({
      where: 'credit',
      what: "'sequence' has no use for values, which credit each token with what follows",
      fix: "Give credit 'token', or another baseline than 'value'",
    });
  if (o.checkpointEvery !== undefined && o.out === undefined)
    throw new ConfigError({ where: 'checkpointEvery', what: 'there is nowhere to save', fix: 'Give out, a folder' });
  createOptimizer(o.optimizer);
  return o;
}

/**
 * β or α of a step.
 * @param step steps done
 * @throws ConfigError for a number out of range, of a schedule with the step
 */
export function klCoefAt(
  { klCoef, klMixing }: Pick<ResolvedTokenOptions, 'klCoef' | 'klMixing'>,
  step: number,
): number {
  const now = schedules.scheduleAt(klCoef, step);
  checkOption(
    step === 0 ? 'klCoef' : `klCoef, step ${step + 1}`,
    now,
    now >= 0 && (klMixing === 'additive' ? Number.isFinite(now) : now <= 1),
    klMixing === 'additive' ? 'a finite number ≥ 0' : 'a number from 0 to 1',
  );
  return now;
}

function checkAnchor({ anchor, params }: ResolvedTokenOptions): void {
  if (typeof anchor !== 'object' || anchor === null) {
    checkName('anchor', anchor, ['fixed']);
    return;
  }
  checkKnown('anchor', anchor, 'params' in anchor ? ['params'] : ['emaRate']);
  if ('params' in anchor) checkReference(params, anchor.params);
  else checkShare('anchor.emaRate', anchor.emaRate);
}

/** A reference of another vocabulary or size is none of this policy. */
function checkReference(params: Params, anchor: Params): void {
  const shapes = new Map(flatten(anchor).map(([path, leaf]) => [path, `[${leaf.shape}]`]));
  for (const [path, leaf] of flatten(params)) {
    const [got, wanted] = [shapes.get(path), `[${leaf.shape}]`];
    if (got === wanted) continue;
    const what = `'${path}' ${got === undefined ? 'is missing' : 'has another shape than the policy’s'}`;
    throw new ConfigError({ where: 'anchor.params', what, ...(got !== undefined && { got }), wanted });
  }
}

/** All tokens of a completion have its one ratio, which has one advantage. */
function checkRatioLevel({ surrogate, credit }: ResolvedTokenOptions): void {
  const { ratioLevel = 'token' } = surrogate.options as RatioOptions;
  if (ratioLevel === 'token' || credit === 'sequence') return;
  throw new ConfigError({
    where: 'credit',
    what: `a ratio '${ratioLevel}' is of the whole completion, and so is its advantage`,
    got: credit,
    fix: "Give credit 'sequence', or a surrogate with ratioLevel 'token'",
  });
}

function checkMissingEos(missingEos: NonNullable<TokenPolicyOptions['missingEos']>, maxNewTokens: number): void {
  if (typeof missingEos === 'string') checkName('missingEos', missingEos, ['mask']);
  else if ('reward' in missingEos) {
    checkKnown('missingEos', missingEos, ['reward']);
    const { reward } = missingEos;
    checkOption('missingEos.reward', reward, Number.isFinite(reward), 'a finite number');
  } else {
    checkKnown('missingEos', missingEos, ['penalty']);
    const { penalty } = missingEos;
    checkOption('missingEos.penalty', penalty, penalty >= 0 && Number.isFinite(penalty), 'a finite number ≥ 0');
  }
  if (maxNewTokens >= 2) return;
  throw new ConfigError({
    where: 'maxNewTokens',
    what: 'one token leaves no room for an end, and missingEos tells apart what has none',
    got: maxNewTokens,
    wanted: 'at least 2',
    fix: 'Set it to 2 or more, or leave missingEos out',
  });
}

/** Each is a function with a weight; metrics are named after them. */
function checkRewards(rewards: readonly NamedReward[]): void {
  if (!Array.isArray(rewards)) {
    const wanted = 'a function, or a list of { name, weight, fn }';
    throw new ConfigError({ where: 'reward', what: 'no reward', got: typeof rewards, wanted });
  }
  if (rewards.length === 0) throw new ConfigError({ where: 'reward', what: 'there are none' });
  const names = rewards.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new ConfigError({ where: 'reward', what: 'two have one name', got: twice });
  for (const { name, weight, fn } of rewards) {
    const lacks = (part: string, got: unknown, wanted: string): ConfigError =>
      new ConfigError({ where: `reward ${name}, ${part}`, what: 'it is needed', got: typeof got, wanted });
    if (typeof fn !== 'function') throw lacks('fn', fn, '(prompts, completions, rows) => a number or null for each');
    if (typeof weight !== 'number' && typeof weight !== 'function')
      throw lacks('weight', weight, 'a number, or a function of the step');
  }
}

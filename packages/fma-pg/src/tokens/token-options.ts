/** Options of RL on tokens: defaults, checks, presets. Names are TRL's where it has one. */
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
  type LoopOptions,
  type Monitor,
  type Params,
  type Prompt,
  type RewardFn,
  type Schedule,
  type TextCodec,
  type TokenPolicy,
} from '@gimbal/tensor-core';
import type { Surrogate } from '../surrogates/surrogate.ts';
import { surrogates } from '../surrogates/surrogates.ts';

/** One of several reward functions whose weighted sum is the reward. */
export interface NamedReward {
  /** its metric, the mean before the weight, is called `reward_` and this */
  name: string;
  /** factor of its rewards in the sum: a number, or a function of the steps done */
  weight: Schedule;
  /** scores each completion; null = it abstains, and the others alone make the row's reward */
  fn: RewardFn;
}

/** Options of `TokenPolicyTrainer`, beside those of every training loop. */
export interface TokenPolicyOptions
  extends Omit<LoopOptions, 'overflow' | 'gradientCheckpointing' | 'earlyStop' | 'logEvery'> {
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
  /** β, or α where the mixing is convex; default .05 */
  klCoef?: Schedule;
  /** 'additive' (default): r − βk; 'convex': (1 − α)r − αk */
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
  /** most tokens of a completion, ≥ 1 */
  maxNewTokens: number;
  /** completions that were cut at the limit: their reward is replaced, or lessened, or ('mask') they are left out of the loss */
  missingEos?: 'mask' | { reward: number } | { penalty: number };
  /** default false */
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
  checkSeed(o.seed);
  const first = typeof o.klCoef === 'number' ? o.klCoef : o.klCoef(0);
  checkOption(
    'klCoef',
    first,
    first >= 0 && (o.klMixing === 'additive' ? Number.isFinite(first) : first <= 1),
    o.klMixing === 'additive' ? 'a finite number ≥ 0' : 'a number from 0 to 1',
  );
  if (typeof o.anchor === 'object' && 'emaRate' in o.anchor) checkShare('anchor.emaRate', o.anchor.emaRate);
  if (o.value?.gaeLambda !== undefined) checkShare('value.gaeLambda', o.value.gaeLambda);
  if (o.value?.trunk !== undefined) checkName('value.trunk', o.value.trunk, ['policy', 'own']);
  if (typeof o.missingEos === 'string') checkName('missingEos', o.missingEos, ['mask']);
  if (o.prompts.length === 0) throw new ConfigError({ where: 'prompts', what: 'there are none' });
  if (o.evalPrompts?.length === 0) throw new ConfigError({ where: 'evalPrompts', what: 'there are none' });
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
  if (o.checkpointEvery !== undefined && o.out === undefined)
    throw new ConfigError({ where: 'checkpointEvery', what: 'there is nowhere to save', fix: 'Give out, a folder' });
  createOptimizer(o.optimizer);
  return o;
}

type TokenPreset = (o?: Partial<TokenPolicyOptions>) => Partial<TokenPolicyOptions>;

/** Methods by the names users know. `sppo` is FMA-PG's clipped surrogate, not Self-Play Preference Optimisation. */
export const tokenPresets: Record<'reinforce' | 'rloo' | 'grpo' | 'ppo' | 'smdpo' | 'sppo', TokenPreset> = {
  reinforce: (o = {}) => ({ surrogate: surrogates.reinforce({ aggregate: 'row-mean' }), baseline: 'batch', ...o }),
  rloo: (o = {}) => ({
    surrogate: surrogates.ppoClip({ aggregate: 'row-mean' }),
    credit: 'sequence',
    baseline: 'leave-one-out',
    samplesPerPrompt: 2,
    klCoef: 0.05,
    ...o,
  }),
  grpo: (o = {}) => ({
    surrogate: surrogates.ppoClip(),
    credit: 'sequence',
    baseline: 'group',
    normalizeAdvantage: 'group',
    samplesPerPrompt: 8,
    klIn: 'loss',
    klCoef: 0,
    ...o,
  }),
  ppo: (o = {}) => ({
    surrogate: surrogates.ppoClip(),
    baseline: 'value',
    value: { learningRate: 1e-3, gaeLambda: 0.95 },
    normalizeAdvantage: 'batch',
    epochs: 4,
    klCoef: 0.05,
    ...o,
  }),
  smdpo: (o = {}) => ({ surrogate: surrogates.smdpo(), normalizeAdvantage: 'batch', epochs: 4, ...o }),
  sppo: (o = {}) => ({
    surrogate: surrogates.sppo({ clipEpsilon: 0.3, pessimistic: false }),
    normalizeAdvantage: 'batch',
    epochs: 4,
    ...o,
  }),
};

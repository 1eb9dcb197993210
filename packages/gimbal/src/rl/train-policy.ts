// Reinforcement learning of a language model, as commands and stages run it: resumes, reports progress, and says what
// the reward of held-out prompts was before and after.
import { type NamedReward, type TokenPolicyOptions, TokenPolicyTrainer, tokenPresets } from '@gimbal/fma-pg';
import type { LanguageModel, Tokenizer } from '@gimbal/language-models';
import { DataError, type Params, type Prompt, type Rng, StoppedError, type TextCodec } from '@gimbal/tensor-core';
import { figure, percent } from '../cli/format.ts';
import type { ProgressUpdate } from '../cli/progress.ts';
import { checkpointIn } from '../run/going-on.ts';
import { promptLength } from '../stages/internal/room.ts';
import { writeCompletions } from '../stages/internal/write-completions.ts';
import { klFigure } from './findings.ts';
import { promptCodec } from './prompt-codec.ts';
import { promptText } from './prompt-rows.ts';
import { sumRewards } from './reward.ts';
import { type Asked, refuseUnrewarded, unrewardedStep, warnAlike } from './rewards-alike.ts';
import { type SurrogateSettings, surrogateOf } from './surrogate-flags.ts';
import type { Watch } from './watch.ts';

export type PresetName = keyof typeof tokenPresets;

/** Numbers that a user sets; what is undefined is the preset's. */
export interface RlSettings extends Partial<SurrogateSettings> {
  preset: PresetName;
  steps: number;
  /** completions of a step */
  batchSize: number;
  samplesPerPrompt?: number | undefined;
  epochs?: number | undefined;
  learningRate: number;
  klCoef?: number | undefined;
  klMixing?: 'additive' | 'convex' | undefined;
  klIn?: 'reward' | 'loss' | undefined;
  /** of a moving average that the KL is to; undefined: the model as it was */
  anchorRate?: number | undefined;
  baseline?: TokenPolicyOptions['baseline'] | undefined;
  credit?: 'token' | 'sequence' | undefined;
  normalizeAdvantage?: 'none' | 'batch' | 'group' | undefined;
  rolloutLogProbs?: 'unit' | 'tempered' | undefined;
  /** completions that were cut: left out of the loss, or with this taken off their reward */
  maskTruncated?: boolean | undefined;
  missingEosPenalty?: number | undefined;
  /** of the preset with a value function: it learns at the policy's rate where its trunk is its own */
  valueTrunk?: 'policy' | 'own' | undefined;
  valueLearningRate?: number | undefined;
  gaeLambda?: number | undefined;
  /** of completions that were cut, in place of theirs */
  missingEosReward?: number | undefined;
  /** steps */
  policyWarmup?: number | undefined;
  policyWarmupMode?: 'lr' | 'freeze' | undefined;
  temperature: number;
  maxNewTokens: number;
  checkpointEvery?: number | undefined;
  /** of `evalPrompts` */
  evalEvery?: number | undefined;
  accumulate?: number | undefined;
  /** default 1 */
  maxGradNorm?: number | undefined;
  precision?: 'float32' | 'bf16' | undefined;
}

export interface RlRequest {
  /** trained: a model, or an adapter beside one */
  policy: LanguageModel;
  /** where it starts; not disposed */
  params: Params;
  tokenizer: Tokenizer;
  prompts: readonly Prompt[];
  /** scored each `evalEvery` steps; the checkpoint of the best mean stays */
  evalPrompts?: readonly Prompt[];
  rewards: readonly NamedReward[];
  settings: RlSettings;
  seed: number;
  /** folder of the log and the checkpoints; what stands there is gone on with */
  out: string;
  signal: AbortSignal;
  progress(update: ProgressUpdate): void;
  note(text: string): void;
  /** sees each step's completions, and may end the run */
  watch?: Watch | undefined;
  /** whose reward it is, in messages: `gimbal rl --reward` */
  where: string;
  /** completions that a reward could not read whole, so far: also those that were scored before the first step */
  tooLong?(): number;
  /** is told of where the reward taught nothing, or little, after a note has said why */
  untaught?(): void;
  /** whether --temperature and --max-new-tokens are the user's to set */
  setsSampling?: boolean;
  /** what is thrown when it is stopped */
  stopped?(what: string): StoppedError;
}

/** The properties that have a value: what is left out is the preset's. */
export const defined = <T extends object>(o: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(o).filter(([, value]) => value !== undefined)) as never;

/**
 * The trainer, after `steps`; the caller disposes it. A reward that teaches nothing is told of.
 * @throws StoppedError when the signal asks for it, after a checkpoint; DataError where no completion ever got a reward
 */
export async function trainPolicy(request: RlRequest): Promise<TokenPolicyTrainer> {
  const { settings: s, out, signal, note, watch } = request;
  const longBefore = request.tooLong?.() ?? 0;
  const options = optionsOf(request);
  const from = await checkpointIn(out, note);
  const trainer = from === undefined ? new TokenPolicyTrainer(options) : await TokenPolicyTrainer.resume(out, options);
  try {
    if (from !== undefined) note(`goes on from step ${trainer.step}`);
    watch?.follow(() => trainer.params);
    let halted = watch?.endedAt(trainer.step) ?? false;
    if (halted) note('its monitor has stopped it there: no more is learnt');
    const asked = (): Asked => ({
      maskTruncated: s.maskTruncated ?? false,
      tooLong: (request.tooLong?.() ?? 0) - longBefore,
      setsSampling: request.setsSampling ?? false,
    });
    let isFirst = true;
    for await (const m of halted ? [] : trainer.train({ steps: s.steps, signal })) {
      const told = isFirst ? unrewardedStep(m, asked()) : undefined;
      isFirst = false;
      if (told !== undefined) note(`warning: ${told}`);
      const missing = m.unrewarded > 0 ? `  ${percent(m.unrewarded)} without a reward` : '';
      const text = `reward ${figure(m.reward)}  KL ${klFigure(m.kl)}  ${figure(m.length)} tokens${missing}`;
      request.progress({ step: m.step, total: s.steps, text });
      watch?.onStep(m);
      halted = m.alerts.some(({ stop }) => stop);
    }
    if (trainer.step < s.steps && !halted) {
      const what = `stopped after step ${trainer.step} of ${s.steps}`;
      throw request.stopped?.(what) ?? new StoppedError({ where: 'reinforcement learning', what });
    }
    const untaught = await refuseUnrewarded(out, request.where, asked());
    if (untaught !== undefined) note(`warning: ${untaught}`);
    const alike = await warnAlike(out, asked(), note);
    if (untaught !== undefined || alike) request.untaught?.();
    return trainer;
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}

/** What the trainer is given. @throws ConfigError for settings that do not go together, before anything is sampled */
function optionsOf({
  policy,
  params,
  tokenizer,
  prompts,
  evalPrompts,
  rewards,
  settings: s,
  seed,
  out,
  watch,
}: RlRequest): TokenPolicyOptions {
  const given = {
    ...defined({
      samplesPerPrompt: s.samplesPerPrompt,
      epochs: s.epochs,
      klCoef: s.klCoef,
      klMixing: s.klMixing,
      klIn: s.klIn,
      baseline: s.baseline,
      credit: s.credit,
      rolloutLogProbs: s.rolloutLogProbs,
      evalPrompts,
      evalEvery: s.evalEvery,
      accumulate: s.accumulate,
      precision: s.precision,
    }),
    ...(s.anchorRate !== undefined && { anchor: { emaRate: s.anchorRate } }),
    ...(s.normalizeAdvantage !== undefined && {
      normalizeAdvantage: s.normalizeAdvantage === 'none' ? (false as const) : s.normalizeAdvantage,
    }),
    ...valueOptions(s),
    ...(s.policyWarmup !== undefined && {
      policyWarmup: { steps: s.policyWarmup, mode: s.policyWarmupMode ?? ('lr' as const) },
    }),
    ...(s.missingEosReward !== undefined && { missingEos: { reward: s.missingEosReward } }),
    ...(s.maskTruncated && { missingEos: 'mask' as const }),
    ...(s.missingEosPenalty && { missingEos: { penalty: s.missingEosPenalty } }),
    surrogate: surrogateOf('reinforcement learning', s),
  };
  return {
    ...tokenPresets[s.preset](given),
    policy,
    params,
    codec: promptCodec(tokenizer),
    prompts,
    reward: rewards,
    batchSize: s.batchSize,
    learningRate: s.learningRate,
    temperature: s.temperature,
    maxNewTokens: s.maxNewTokens,
    maxGradNorm: s.maxGradNorm ?? 1,
    ...(watch && { monitor: watch.monitor }),
    seed,
    out,
    checkpointEvery: s.checkpointEvery ?? Math.max(1, Math.ceil(s.steps / 10)),
  };
}

/** The value function, where something of it is said. */
export function valueOptions({
  valueTrunk,
  valueLearningRate,
  gaeLambda,
  learningRate,
}: Pick<RlSettings, 'valueTrunk' | 'valueLearningRate' | 'gaeLambda' | 'learningRate'>): Pick<
  TokenPolicyOptions,
  'value'
> {
  const own = valueTrunk === 'own';
  if (!own && valueLearningRate === undefined && gaeLambda === undefined) return {};
  return {
    value: {
      learningRate: valueLearningRate ?? (own ? learningRate : 1e-3),
      gaeLambda: gaeLambda ?? 0.95,
      ...(own && { trunk: 'own' as const }),
    },
  };
}

const mostNewTokens = 64;

/**
 * Tokens that the longest prompt leaves of the context, at most 64; at least a quarter of it: longer prompts are left out then.
 * @param apart the completion has a context of its own (an encoder-decoder)
 */
export function roomBeside(
  prompts: readonly Prompt[],
  tokenizer: Tokenizer,
  contextLength: number,
  codec?: TextCodec,
  apart = false,
): number {
  if (apart) return Math.min(mostNewTokens, contextLength);
  const lengths = prompts.map((p) => lengthOf(tokenizer, p, codec));
  const longest = lengths.reduce((most, n) => Math.max(most, n), 0);
  return Math.min(mostNewTokens, Math.max(contextLength - longest, Math.ceil(contextLength / 4)));
}

/** Prompts that leave room for a completion; the others are left out and counted. @throws DataError where none is left */
export function fittingPrompts<P extends Prompt>(
  prompts: readonly P[],
  {
    tokenizer,
    contextLength,
    maxNewTokens,
    codec,
    apart = false,
  }: { tokenizer: Tokenizer; contextLength: number; maxNewTokens: number; codec?: TextCodec; apart?: boolean },
  note: (text: string) => void,
): P[] {
  const room = apart ? contextLength : contextLength - maxNewTokens;
  const fits = prompts.filter((p) => lengthOf(tokenizer, p, codec) <= room);
  const long = prompts.length - fits.length;
  if (fits.length === 0) {
    throw new DataError({
      where: 'prompts',
      what: `all ${prompts.length} are too long`,
      wanted: `at most ${Math.max(0, room)} tokens${apart ? '' : `: a context of ${contextLength} less ${maxNewTokens} new ones`}`,
      fix: `${apart ? 'T' : 'Lower --max-new-tokens, or t'}ake a model with a longer context`,
    });
  }
  if (long > 0) note(`${long} ${long === 1 ? 'prompt is' : 'prompts are'} left out: longer than ${room} tokens`);
  return fits;
}

/** Tokens of a prompt: by a codec of its own, or as plain text. */
const lengthOf = (tokenizer: Tokenizer, p: Prompt, codec?: TextCodec): number =>
  codec === undefined
    ? promptLength(tokenizer, promptText(p), true)
    : (codec.encode([promptText(p)]).lengths[0] as number);

/**
 * Rewards of completions sampled at a temperature (0 = greedy): the weighted sum over the functions that do not abstain.
 * @returns `totals` by prompt, null where all abstain; `rewards` are the others
 */
export async function scorePrompts(
  request: Pick<RlRequest, 'policy' | 'params' | 'tokenizer' | 'prompts' | 'rewards' | 'signal'> & {
    maxNewTokens: number;
    temperature: number;
    rng: Rng;
  },
): Promise<{ rewards: number[]; totals: (number | null)[]; completions: string[] }> {
  const { policy: model, params, tokenizer, prompts, rewards, maxNewTokens, temperature, rng, signal } = request;
  const texts = prompts.map(promptText);
  const pretrained = { model, params, tokenizer } as Parameters<typeof writeCompletions>[0];
  const completions = await writeCompletions(pretrained, texts, {
    batchSize: 32,
    maxNewTokens,
    temperature,
    rng,
    promptSuffix: true,
    signal,
  });
  const totals = await sumRewards(rewards)(texts, completions, prompts);
  return { rewards: totals.filter((r): r is number => r !== null), totals, completions };
}

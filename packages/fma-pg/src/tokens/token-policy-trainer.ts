/**
 * Policy optimisation of any TokenPolicy by any RewardFn: sample completions, score them, credit their tokens, maximise a
 * surrogate for some epochs. State = prompt and prefix, action = next token, γ = 1. Two KLs, never one: the surrogate's
 * to the policy that sampled, and `klCoef`'s to the reference.
 */
import {
  type Alert,
  createOptimizer,
  DataError,
  disposeTree,
  EpochSampler,
  hashTree,
  type LoadedCheckpoint,
  loadRun,
  type Optimizer,
  type OptimizerState,
  type Params,
  type Prompt,
  passes,
  polyakTree,
  type Rng,
  RunTrainer,
  rng,
  schedules,
  type TrainRequest,
  variables,
  withPrecision,
} from '@gimbal/tensor-core';
import { savedOptions } from '../agents/on-policy-options.ts';
import { savedRow } from '../internal/saved-row.ts';
import { leavesOf } from '../off-policy/critics.ts';
import { flatGroupShare } from './baselines.ts';
import { promptText } from './prompt-text.ts';
import { rolloutLogProbs } from './rollout-log-probs.ts';
import { tempered } from './tempered.ts';
import { decodeCompletions, encodePrompts } from './token-batch.ts';
import { type Credited, creditTokens } from './token-credit.ts';
import { evaluateRewards } from './token-evaluation.ts';
import { klCoefAt, type ResolvedTokenOptions, resolveTokenOptions, type TokenPolicyOptions } from './token-options.ts';
import { fittingPrompts, type PromptOverflow, promptsName } from './token-prompts.ts';
import { type ScoredCompletions, scoreCompletions } from './token-rewards.ts';
import { type TokenRollout, tokenRollout } from './token-rollout.ts';
import { updateOnTokens, updateStats } from './token-update.ts';
import { TokenValueHead } from './token-value-head.ts';

/** One step; every numeric field but `step` is a metric. */
export interface TokenPolicyStep {
  /** counts from 1 */
  readonly step: number;
  /** surrogate's loss, with k3's part where `klIn` is 'loss': mean over the epochs; 0 while the policy is frozen */
  readonly loss: number;
  /** mean over the completions that have one, without the KL's part */
  readonly reward: number;
  /** mean Σ over tokens of what the KL adds to the reward */
  readonly rewardKl: number;
  /** mean Σ over tokens of log p − log p_ref, of the policy that sampled: k1, which can be negative */
  readonly kl: number;
  /** the same by k2, ½x² of x = log p − log p_ref at each token: ≥ 0, biased */
  readonly klK2: number;
  /** the same by k3, e⁻ˣ − 1 + x: ≥ 0, unbiased, of less variance near the reference (Schulman 2020) */
  readonly klK3: number;
  /** mean of −log p over sampled tokens */
  readonly entropy: number;
  /** mean tokens of a completion */
  readonly length: number;
  /** share of completions without a token, 0 to 1 */
  readonly emptyRate: number;
  /** share of completions cut at the limit, 0 to 1; 0 where the policy does not say */
  readonly missingEosRate: number;
  /** share of completions that no function rewarded, without a token, or cut where such are masked: they are in no mean, spread or loss, 0 to 1 */
  readonly unrewarded: number;
  /** share of prompts whose completions all have the same reward */
  readonly flatGroups: number;
  /** L2 norm of the whole gradient before clipping: mean over the epochs; 0 while the policy is frozen */
  readonly gradNorm: number;
  /** of the policy in this step, warm-up included; 0 while it is frozen */
  readonly learningRate: number;
  /** what the monitor found; empty without one */
  readonly alerts: readonly Alert[];
  /** clipFraction, klForward, klReverse, ratioMax, clampedShare, heldShare; valueLoss; reward_… of each named function; evalReward, evalLength, evalReward_… where prompts were evaluated */
  readonly [metric: string]: number | readonly Alert[];
}

interface SavedState {
  step: number;
  sampler: unknown;
  movingAverage: number | null;
  /** absent in checkpoints from before evaluations */
  best?: { step: number; loss: number } | null;
  /** of an update whose evaluation failed; JSON has null for its NaN */
  pending?: { row: Record<string, number | readonly Alert[] | null>; stop: boolean };
}

/** What an update gives, before its evaluation. */
interface Learnt {
  row: Readonly<Record<string, number | readonly Alert[]>>;
  stop: boolean;
}

interface Sampled extends ScoredCompletions {
  rollout: TokenRollout;
  /** one for each completion */
  rows: readonly Prompt[];
  texts: readonly string[];
}

/** Trains a policy on tokens by rewards of its completions; disposing it disposes the trained parameters too. */
export class TokenPolicyTrainer extends RunTrainer<TokenPolicyStep> {
  /** variables; the trainer owns them */
  readonly params: Params;
  /** as given, with the defaults; of the prompts those that fit */
  readonly options: ResolvedTokenOptions;
  /** prompts, of `evalPrompts` too, that were left out for want of room */
  readonly overflow: PromptOverflow;
  readonly #anchor: Params;
  readonly #ownsAnchor: boolean;
  #anchorHash: string | undefined;
  readonly #optimizer: Optimizer;
  readonly #state: OptimizerState;
  readonly #value: TokenValueHead | undefined;
  readonly #sampler: EpochSampler;
  readonly #stream: Rng;
  /** the options with the policy whose log-probabilities are learnt from */
  readonly #scored: ResolvedTokenOptions;
  #movingAverage: number | null = null;
  #best: { step: number; loss: number } | null = null;
  #lastLoss: number | undefined;
  /** updates done */
  #step = 0;
  /** of the last update, whose evaluation failed */
  #pending: Learnt | undefined;

  /** @throws ConfigError for options that do not go together, before anything is sampled */
  constructor(options: TokenPolicyOptions) {
    const given = resolveTokenOptions(options);
    const learnt = fittingPrompts('prompts', given.prompts, given);
    const evaluated = given.evalPrompts && fittingPrompts('evalPrompts', given.evalPrompts, given);
    const o = { ...given, prompts: learnt.fitting, ...(evaluated && { evalPrompts: evaluated.fitting }) };
    const { out, checkpointEvery, keepCheckpoints } = o;
    super({ name: 'TokenPolicyTrainer', out, checkpointEvery, keepCheckpoints });
    this.options = o;
    const left = evaluated?.overflow ?? { rows: 0, where: [] };
    const { rows, where } = learnt.overflow;
    this.overflow = { rows: rows + left.rows, where: [...where, ...left.where].slice(0, 10) };
    this.#scored = o.rolloutLogProbs === 'unit' ? o : { ...o, policy: tempered(o.policy, o.temperature) };
    this.params = variables(o.params);
    this.#ownsAnchor = !(typeof o.anchor === 'object' && 'params' in o.anchor);
    this.#anchor = typeof o.anchor === 'object' && 'params' in o.anchor ? o.anchor.params : variables(o.params);
    this.#optimizer = createOptimizer(o.optimizer);
    this.#state = this.#optimizer.init(this.params);
    this.#stream = rng(o.seed);
    const perStep = (o.batchSize * o.accumulate) / o.samplesPerPrompt;
    this.#sampler = new EpochSampler(o.prompts.length, { batchSize: perStep, rng: this.#stream.split('data') });
    this.#value = o.baseline === 'value' ? new TokenValueHead(o) : undefined;
  }

  /**
   * Continues a saved run: its next steps are those that the uninterrupted run would have had.
   * @throws CheckpointError naming the option that differs
   */
  static async resume(from: string, options: TokenPolicyOptions): Promise<TokenPolicyTrainer> {
    const saved = await loadRun(from);
    return new TokenPolicyTrainer(options).restore(saved);
  }

  /** Steps done; one whose evaluation failed is not. */
  get step(): number {
    return this.#pending === undefined ? this.#step : this.#step - 1;
  }

  /** The evaluation with the highest reward, as a loss: minus its mean. Null before the first. */
  get best(): { readonly step: number; readonly loss: number } | null {
    return this.#best;
  }

  /**
   * One step; undefined where the signal stopped the sampling. Nothing has changed then, nor where sampling, a reward or the
   * monitor failed. Where an evaluation fails after it, the step is not done: going on, the evaluation is made first.
   */
  protected override async advance(request: TrainRequest) {
    this.#pending ??= await this.#update(request);
    if (this.#pending === undefined) return undefined;
    const { row: learnt, stop } = this.#pending;
    const { evaluated, isBest } = await this.#evaluateIfDue(request.steps);
    this.#pending = undefined;
    const row = { ...learnt, ...evaluated } as unknown as Omit<TokenPolicyStep, 'step'>;
    return { row, isBest, stop };
  }

  /** Samples, and learns from what was sampled; undefined where the signal stopped the sampling. */
  async #update({ signal, steps }: TrainRequest): Promise<Learnt | undefined> {
    const { options: o } = this;
    klCoefAt(o, this.#step); // a schedule that leaves its range is met before anything is sampled
    const position = this.#sampler.state();
    const picked = Array.from(this.#sampler.next(), (i) => o.prompts[i] as Prompt);
    let sampled: Sampled;
    let alerts: readonly Alert[];
    try {
      sampled = await this.#sample(picked, signal);
      // before anything is learnt: the completions are those of the weights as they are now
      alerts = await this.#look(sampled);
    } catch (error) {
      // the same prompts once more, should training go on
      this.#sampler.restore(position);
      if (signal?.aborted !== true) throw error;
      return undefined;
    }
    const { rollout, rewards, components } = sampled;
    const { lengths, ended } = rollout.completions;
    const { credited, metrics, movingAverage } = creditTokens(o, {
      rollout,
      rewards,
      logProbs: rolloutLogProbs(this.#scored, this.params, rollout),
      refLogProbs: rolloutLogProbs(this.#scored, this.#anchor, rollout),
      values: this.#value?.values(this.params, rollout),
      step: this.#step,
      movingAverage: this.#movingAverage,
    });
    this.#movingAverage = movingAverage;
    const learnt = this.#learn(credited, Math.min(1, this.#step / steps));
    this.#step++;
    if (typeof o.anchor === 'object' && 'emaRate' in o.anchor)
      polyakTree(leavesOf(this.#anchor), leavesOf(this.params), 1 - o.anchor.emaRate);
    const B = lengths.length;
    const row = {
      ...learnt,
      ...metrics,
      ...components,
      length: lengths.reduce((a, b) => a + b, 0) / B,
      emptyRate: lengths.filter((n) => n === 0).length / B,
      missingEosRate: ended === undefined ? 0 : ended.filter((e) => e === 0).length / B,
      unrewarded: rewards.filter((r) => r === null).length / B,
      flatGroups: flatGroupShare(rewards, rollout.groups),
      alerts,
    };
    return { row, stop: alerts.some(({ stop }) => stop) };
  }

  /** What the monitor says of a step's completions. @throws DataError where it gives no list of alerts */
  async #look({ rows, texts }: Sampled): Promise<readonly Alert[]> {
    const { monitor } = this.options;
    if (monitor === undefined) return [];
    const alerts: unknown = await monitor.check(this.#step, rows.map(promptText), texts);
    if (alerts === undefined || alerts === null) return [];
    const isAlert = (x: unknown): boolean => typeof x === 'object' && x !== null;
    if (Array.isArray(alerts) && alerts.every(isAlert)) return alerts as Alert[];
    const wanted = 'a list of alerts, { monitor, step, message, value, limit, stop }; empty where there are none';
    const got = Array.isArray(alerts) ? alerts.find((x) => !isAlert(x)) : alerts;
    throw new DataError({ where: 'monitor.check', what: 'it gave no list of alerts', got, wanted });
  }

  /** Goes on to its end when a signal stops the run: a run that is gone on with evaluates the same steps. */
  async #evaluateIfDue(steps: number): Promise<{ evaluated: Record<string, number>; isBest: boolean }> {
    const { options: o } = this;
    const { evalPrompts, evalEvery, keepBest } = o;
    this.#lastLoss = undefined;
    if (evalPrompts === undefined || !(passes(evalEvery, this.#step - 1, this.#step) || this.#step >= steps))
      return { evaluated: {}, isBest: false };
    const stream = this.#stream.split('evaluation');
    const evaluated = await evaluateRewards({ ...o, evalPrompts }, this.params, stream);
    const loss = -(evaluated.evalReward as number);
    if (Number.isNaN(loss)) return { evaluated, isBest: false };
    if (keepBest) this.#lastLoss = loss;
    const isBest = this.#best === null || loss < this.#best.loss;
    if (isBest) this.#best = { step: this.#step, loss };
    return { evaluated, isBest: isBest && keepBest };
  }

  /** Completions of prompts, and their rewards; nothing of the trainer changes. */
  async #sample(picked: readonly Prompt[], signal: AbortSignal | undefined): Promise<Sampled> {
    const { options: o } = this;
    const rollout = await tokenRollout(o.policy, this.params, encodePrompts(o.codec, picked), {
      samplesPerPrompt: o.samplesPerPrompt,
      temperature: o.temperature,
      maxNewTokens: o.maxNewTokens,
      rng: this.#stream.split('sampling').split(this.#step),
      ...(signal && { signal }),
    });
    const rows = Array.from(rollout.groups, (g) => picked[g] as Prompt);
    const { lengths, ended } = rollout.completions;
    const texts = decodeCompletions(o.codec, rollout.completions);
    return { rollout, rows, texts, ...(await scoreCompletions(o, this.#step, rows, texts, lengths, ended)) };
  }

  /** The inner loop. @param progress share of the run that is done */
  #learn(c: Credited, progress: number): Record<string, number> {
    const { options: o } = this;
    const rate = this.#learningRate();
    const frozen = o.policyWarmup?.mode === 'freeze' && this.#step < o.policyWarmup.steps;
    const sums = new Float64Array(updateStats.length);
    const own = { params: this.params, optimizer: this.#optimizer, state: this.#state };
    let valueLoss = 0;
    for (let epoch = 0; epoch < o.epochs; epoch++) {
      const numbers = frozen
        ? new Float64Array(updateStats.length)
        : withPrecision(o.precision, () =>
            updateOnTokens(this.#scored, { ...own, credited: c, rate, step: this.#step, progress, first: epoch === 0 }),
          );
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (numbers[i] as number) / o.epochs;
      if (this.#value !== undefined) valueLoss += this.#value.update(this.params, c, c.returns, c.counted) / o.epochs;
    }
    const metrics = Object.fromEntries(updateStats.map((name, i) => [name, sums[i] as number]));
    return { ...metrics, learningRate: frozen ? 0 : rate, ...(this.#value !== undefined && { valueLoss }) };
  }

  #learningRate(): number {
    const { learningRate, policyWarmup } = this.options;
    const rate = schedules.scheduleAt(learningRate, this.#step);
    return policyWarmup?.mode === 'lr' ? rate * Math.min(1, (this.#step + 1) / policyWarmup.steps) : rate;
  }

  protected override parameters(): Params {
    return this.#value === undefined ? this.params : { policy: this.params, value: this.#value.params };
  }

  protected override trees(): Record<string, Params> {
    return {
      params: this.params,
      optimizer: this.#state,
      ...(this.#ownsAnchor && { anchor: this.#anchor }),
      ...(this.#value !== undefined && { value: this.#value.params, 'value-optimizer': this.#value.state }),
    };
  }

  protected override config(): object {
    const {
      policy,
      params,
      codec,
      prompts,
      reward,
      monitor,
      anchor,
      surrogate,
      checkpointEvery,
      keepCheckpoints,
      rolloutLogProbs: scale,
      evalPrompts,
      evalEvery,
      keepBest,
      overflow,
      ...rest
    } = this.options;
    const kept = typeof anchor === 'object' && 'params' in anchor ? 'params' : anchor;
    return {
      ...savedOptions(rest),
      anchor: kept,
      ...(kept === 'params' && { anchorName: this.#anchorName() }),
      ...(scale === 'tempered' && { rolloutLogProbs: scale }), // checkpoints from before the option are 'unit'
      prompts: prompts.length,
      rows: promptsName(prompts),
      surrogate: { name: surrogate.surrogate, ...surrogate.options },
    };
  }

  /** Of a reference that was given: a run goes on with its own. */
  #anchorName(): string {
    this.#anchorHash ??= hashTree(this.#anchor);
    return this.#anchorHash;
  }

  protected override content(): { state: SavedState; loss?: number } {
    const state = { step: this.#step, sampler: this.#sampler.state(), movingAverage: this.#movingAverage };
    const pending = this.#pending === undefined ? {} : { pending: this.#pending };
    return {
      state: { ...state, best: this.#best, ...pending },
      ...(this.#lastLoss !== undefined && { loss: this.#lastLoss }),
    };
  }

  protected override restoreState(saved: LoadedCheckpoint): void {
    const state = saved.state as SavedState;
    this.#sampler.restore(state.sampler);
    this.#movingAverage = state.movingAverage;
    this.#best = state.best ?? null;
    this.#step = state.step;
    const { pending } = state;
    if (pending !== undefined) this.#pending = { row: savedRow(pending.row), stop: pending.stop };
  }

  protected override free(): void {
    disposeTree(this.params);
    disposeTree(this.#state);
    if (this.#ownsAnchor) disposeTree(this.#anchor);
    this.#value?.dispose();
  }
}

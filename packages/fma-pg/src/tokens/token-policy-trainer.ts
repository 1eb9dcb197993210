/**
 * Policy optimisation of any TokenPolicy by any RewardFn: sample completions, score them, credit their tokens, maximise a
 * surrogate for some epochs. State = prompt and prefix, action = next token, γ = 1. Two KLs, never one: the surrogate's
 * to the policy that sampled, and `klCoef`'s to the reference.
 */
import {
  type Alert,
  assignTree,
  CheckpointError,
  ConfigError,
  clipScale,
  createOptimizer,
  disposeTree,
  EpochSampler,
  firstDifference,
  NumericalError,
  type Optimizer,
  type OptimizerState,
  type Params,
  type Prompt,
  polyakTree,
  type Rng,
  rng,
  schedules,
  type Trainer,
  type TrainRequest,
  treeNorm,
  valueAndGradWithAux,
  variables,
  withPrecision,
  zipTree,
} from '@gimbal/tensor-core';
import {
  add,
  exp,
  mul,
  type Scalar,
  scalar,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor2D,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { type AgentContent, openAgentFiles, readAgent, writeAgent } from '../agents/agent-files.ts';
import { savedOptions } from '../agents/on-policy-options.ts';
import { scoped } from '../internal/scoped.ts';
import { leavesOf } from '../off-policy/critics.ts';
import { checkSameLogProbs } from '../surrogates/surrogate.ts';
import { normalizeAdvantages } from '../values/normalize-advantages.ts';
import {
  baselineAdvantages,
  flatGroupShare,
  type PeerBaseline,
  positionAdvantages,
  returnsToGo,
  tokenGae,
} from './baselines.ts';
import { klRewards } from './kl-rewards.ts';
import { type ResolvedTokenOptions, resolveTokenOptions, type TokenPolicyOptions } from './token-options.ts';
import { promptText, scoreCompletions } from './token-rewards.ts';
import { selectRows, type TokenRollout, tokenRollout } from './token-rollout.ts';
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
  /** mean Σ over tokens of log p − log p_ref, of the policy that sampled */
  readonly kl: number;
  /** mean of −log p over sampled tokens */
  readonly entropy: number;
  /** mean tokens of a completion */
  readonly length: number;
  /** share of completions without a token, 0 to 1 */
  readonly emptyRate: number;
  /** share of completions cut at the limit, 0 to 1; 0 where the policy does not say */
  readonly missingEosRate: number;
  /** share of prompts whose completions all have the same reward */
  readonly flatGroups: number;
  /** L2 norm of the whole gradient before clipping: mean over the epochs; 0 while the policy is frozen */
  readonly gradNorm: number;
  /** of the policy in this step, warm-up included; 0 while it is frozen */
  readonly learningRate: number;
  /** what the monitor found; empty without one */
  readonly alerts: readonly Alert[];
  /** clipFraction, klForward, klReverse, ratioMax, clampedShare; valueLoss; reward_… of each named function */
  readonly [metric: string]: number | readonly Alert[];
}

interface SavedState {
  sampler: unknown;
  movingAverage: number | null;
}

/** Arrays of one step, `[B·T]` where nothing else is said. */
interface Credited extends TokenRollout {
  logProbs: Float32Array;
  refLogProbs: Float32Array;
  advantages: Float32Array;
  /** targets of the value function */
  returns: Float32Array;
  /** 1 where the surrogate counts a token: none of a row without a reward */
  counted: Float32Array;
}

/** Trains a policy on tokens by rewards of its completions; disposing it disposes the trained parameters too. */
export class TokenPolicyTrainer implements Trainer<TokenPolicyStep> {
  /** variables; the trainer owns them */
  readonly params: Params;
  /** as given, with the defaults */
  readonly options: ResolvedTokenOptions;
  readonly #anchor: Params;
  readonly #ownsAnchor: boolean;
  readonly #optimizer: Optimizer;
  readonly #state: OptimizerState;
  readonly #value: TokenValueHead | undefined;
  readonly #sampler: EpochSampler;
  readonly #stream: Rng;
  #movingAverage: number | null = null;
  #step = 0;
  #begun = false;
  #training = false;
  #disposed = false;

  /** @throws ConfigError for options that do not go together, before anything is sampled */
  constructor(options: TokenPolicyOptions) {
    const o = resolveTokenOptions(options);
    this.options = o;
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
    const trainer = new TokenPolicyTrainer(options);
    try {
      const saved = await readAgent(from);
      const difference = firstDifference(plain(saved.config), plain(trainer.#config()));
      if (difference !== undefined) {
        throw new CheckpointError({
          where: `${saved.path}, ${difference.path}`,
          what: 'the run was made with another value',
          got: difference.wanted,
          wanted: JSON.stringify(difference.saved),
          fix: 'Resume with the options of the run',
        });
      }
      for (const [name, target] of Object.entries(trainer.#trees())) {
        const tree = await saved.tree(name);
        try {
          assignTree(target, tree, `${saved.path}, ${name}`);
        } finally {
          disposeTree(tree);
        }
      }
      const state = saved.state as SavedState;
      trainer.#sampler.restore(state.sampler);
      trainer.#movingAverage = state.movingAverage;
      trainer.#step = saved.step;
      trainer.#begun = true;
      return trainer;
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }

  /** Steps done. */
  get step(): number {
    return this.#step;
  }

  /** Trains until `steps` steps are done in all; a signal stops it between two, a monitor's alert with `stop` after one. */
  async *train({ steps, signal }: TrainRequest): AsyncGenerator<TokenPolicyStep, { aborted: boolean }, undefined> {
    const where = 'TokenPolicyTrainer.train';
    if (this.#disposed) throw new ConfigError({ where, what: 'the trainer was disposed' });
    if (this.#training) throw new ConfigError({ where, what: 'it trains already', fix: 'End the other loop first' });
    const { out, checkpointEvery } = this.options;
    const files = out === undefined ? undefined : await openAgentFiles(out, this.#begun ? this.#step : undefined);
    this.#begun = true;
    this.#training = true;
    let [aborted, saved] = [false, -1];
    try {
      while (this.#step < steps) {
        const row = signal?.aborted ? undefined : await this.#once(signal);
        if (row === undefined) {
          aborted = true;
          break;
        }
        const { alerts, ...numbers } = row;
        await files?.log(this.#step, numbers as Record<string, number>);
        if (files !== undefined && checkpointEvery !== undefined && this.#step % checkpointEvery === 0) {
          await files.checkpoint(this.#content());
          saved = this.#step;
        }
        yield { step: this.#step, ...numbers, alerts } as TokenPolicyStep;
        if (alerts.some(({ stop }) => stop)) break;
      }
      if (files !== undefined && saved !== this.#step) await files.checkpoint(this.#content());
      return { aborted };
    } finally {
      this.#training = false;
      await files?.close();
    }
  }

  /** Drains `train`; returns the last step. */
  async run(request: TrainRequest): Promise<TokenPolicyStep | undefined> {
    let last: TokenPolicyStep | undefined;
    for await (const step of this.train(request)) last = step;
    return last;
  }

  /** Writes all that is needed to go on, at exactly this path. */
  async save(dir: string): Promise<void> {
    await writeAgent(dir, this.#content());
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    disposeTree(this.params);
    disposeTree(this.#state);
    if (this.#ownsAnchor) disposeTree(this.#anchor);
    this.#value?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** One step; undefined where the signal stopped the sampling: nothing has changed then. */
  async #once(
    signal: AbortSignal | undefined,
  ): Promise<({ alerts: readonly Alert[] } & Record<string, unknown>) | undefined> {
    const { options: o } = this;
    const position = this.#sampler.state();
    const picked = Array.from(this.#sampler.next(), (i) => o.prompts[i] as Prompt);
    const stream = this.#stream.split('sampling').split(this.#step);
    let rollout: TokenRollout;
    try {
      rollout = await tokenRollout(o.policy, this.params, o.codec.encode(picked.map(promptText)), {
        samplesPerPrompt: o.samplesPerPrompt,
        temperature: o.temperature,
        maxNewTokens: o.maxNewTokens,
        rng: stream,
        ...(signal && { signal }),
      });
    } catch (error) {
      if (signal?.aborted !== true && (error as { code?: string }).code !== 'ERR_STOPPED') throw error;
      this.#sampler.restore(position);
      return undefined;
    }
    const rows = Array.from(rollout.groups, (g) => picked[g] as Prompt);
    const { lengths, ended } = rollout.completions;
    const texts = o.codec.decode(rollout.completions);
    const { rewards, components } = await scoreCompletions(o, this.#step, rows, texts, lengths, ended);
    const { credited, metrics } = this.#credit(rollout, rewards);
    const learnt = this.#learn(credited);
    this.#step++;
    if (typeof o.anchor === 'object' && 'emaRate' in o.anchor)
      polyakTree(leavesOf(this.#anchor), leavesOf(this.params), 1 - o.anchor.emaRate);
    const alerts = (await o.monitor?.check(this.#step, rows.map(promptText), texts)) ?? [];
    const B = lengths.length;
    return {
      ...learnt,
      ...metrics,
      ...components,
      length: lengths.reduce((a, b) => a + b, 0) / B,
      emptyRate: lengths.filter((n) => n === 0).length / B,
      missingEosRate: ended === undefined ? 0 : ended.filter((e) => e === 0).length / B,
      flatGroups: flatGroupShare(rewards, rollout.groups),
      alerts,
    };
  }

  /** Advantages of tokens. */
  #credit(
    rollout: TokenRollout,
    rewards: readonly (number | null)[],
  ): { credited: Credited; metrics: Record<string, number> } {
    const { options: o } = this;
    const { completions, groups, mask } = rollout;
    const { width, lengths } = completions;
    const B = lengths.length;
    const [logProbs, refLogProbs] = [this.#logProbs(this.params, rollout), this.#logProbs(this.#anchor, rollout)];
    const klCoef = schedules.scheduleAt(o.klCoef, this.#step);
    const inReward = o.klIn === 'reward';
    const terminal = Float32Array.from(rewards, (r) => r ?? 0);
    const shape = [B, width] as [number, number];
    const perToken = scoped(() =>
      klRewards(tensor2d(logProbs, shape), tensor2d(refLogProbs, shape), tensor2d(mask, shape), terminal, {
        klCoef: inReward ? klCoef : 0,
        klMixing: o.klMixing,
      })
        .dataSync<'float32'>()
        .slice(),
    );
    const counted = mask.map((m, i) => (rewards[Math.floor(i / width)] === null ? 0 : m));
    // rows without a reward are in no baseline either
    const active = { width, lengths: lengths.map((n, b) => (rewards[b] === null ? 0 : n)) };
    const returns = returnsToGo(perToken, active);
    const advantages = this.#advantages(perToken, returns, active, groups, rewards, rollout);
    const sums = (f: (i: number) => number): number => {
      let total = 0;
      for (let i = 0; i < mask.length; i++) if (mask[i] !== 0) total += f(i);
      return total;
    };
    const tokens = sums(() => 1);
    const given = rewards.filter((r): r is number => r !== null);
    const kl = sums((i) => (logProbs[i] as number) - (refLogProbs[i] as number)) / B;
    const metrics = {
      reward: given.length === 0 ? Number.NaN : given.reduce((a, b) => a + b, 0) / given.length,
      rewardKl: inReward ? -klCoef * kl : 0,
      kl,
      entropy: -sums((i) => logProbs[i] as number) / Math.max(tokens, 1),
    };
    return {
      credited: {
        ...rollout,
        logProbs,
        refLogProbs,
        advantages: advantages.advantages,
        returns: advantages.returns,
        counted,
      },
      metrics,
    };
  }

  #advantages(
    perToken: Float32Array,
    returns: Float32Array,
    rows: { width: number; lengths: Int32Array },
    groups: Int32Array,
    rewards: readonly (number | null)[],
    rollout: TokenRollout,
  ): { advantages: Float32Array; returns: Float32Array } {
    const { baseline, credit, normalizeAdvantage, value } = this.options;
    const { width, lengths } = rows;
    const spread = (perRow: (b: number) => number): Float32Array => {
      const out = new Float32Array(returns.length);
      for (const [b, n] of lengths.entries()) out.fill(perRow(b), b * width, b * width + n);
      return out;
    };
    if (baseline === 'value') {
      const estimate = tokenGae(
        perToken,
        (this.#value as TokenValueHead).values(this.params, rollout),
        rows,
        value?.gaeLambda ?? 1,
      );
      return { ...estimate, advantages: this.#standardize(estimate.advantages, rows) };
    }
    const whole = Array.from(lengths, (n, b) =>
      rewards[b] === null || n === 0 ? null : (returns[b * width] as number),
    );
    if (baseline === 'moving-average') {
      const given = whole.filter((r): r is number => r !== null);
      const mean = given.reduce((a, b) => a + b, 0) / Math.max(given.length, 1);
      const before = this.#movingAverage ?? mean;
      this.#movingAverage = 0.9 * before + 0.1 * mean;
      const compared = returns.map((g) => g - before);
      const advantages = credit === 'sequence' ? spread((b) => (whole[b] ?? before) - before) : compared;
      return { advantages: this.#standardize(advantages, rows), returns };
    }
    if (credit === 'sequence') {
      const perRow = baselineAdvantages(whole, groups, { baseline, normalize: normalizeAdvantage });
      return { advantages: spread((b) => perRow[b] as number), returns };
    }
    const advantages = positionAdvantages(returns, rows, groups, baseline as PeerBaseline);
    return { advantages: this.#standardize(advantages, rows), returns };
  }

  /** Over all tokens that count, where asked for. */
  #standardize(advantages: Float32Array, { width, lengths }: { width: number; lengths: Int32Array }): Float32Array {
    if (this.options.normalizeAdvantage === false) return advantages;
    const places: number[] = [];
    for (const [b, n] of lengths.entries()) for (let t = 0; t < n; t++) places.push(b * width + t);
    const standard = normalizeAdvantages(Float32Array.from(places, (i) => advantages[i] as number));
    const out = new Float32Array(advantages.length);
    for (const [k, i] of places.entries()) out[i] = standard[k] as number;
    return out;
  }

  /** The inner loop. */
  #learn(c: Credited): Record<string, number> {
    const { options: o } = this;
    const rate = this.#learningRate();
    const frozen = o.policyWarmup?.mode === 'freeze' && this.#step < o.policyWarmup.steps;
    const names = ['loss', 'klForward', 'klReverse', 'clipFraction', 'ratioMax', 'clampedShare', 'gradNorm'];
    const sums = new Float64Array(names.length);
    let valueLoss = 0;
    for (let epoch = 0; epoch < o.epochs; epoch++) {
      const numbers = frozen
        ? new Float64Array(names.length)
        : withPrecision(o.precision, () => this.#update(c, rate, epoch === 0));
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (numbers[i] as number) / o.epochs;
      if (this.#value !== undefined) valueLoss += this.#value.update(this.params, c, c.returns, c.counted) / o.epochs;
    }
    const metrics = Object.fromEntries(names.map((name, i) => [name, sums[i] as number]));
    return { ...metrics, learningRate: frozen ? 0 : rate, ...(this.#value !== undefined && { valueLoss }) };
  }

  #learningRate(): number {
    const { learningRate, policyWarmup } = this.options;
    const rate = schedules.scheduleAt(learningRate, this.#step);
    return policyWarmup?.mode === 'lr' ? rate * Math.min(1, (this.#step + 1) / policyWarmup.steps) : rate;
  }

  /** One update on all completions, in micro-batches whose losses add up to the whole's. */
  #update(c: Credited, rate: number, first: boolean): Float64Array {
    const { options: o } = this;
    const B = c.groups.length;
    const klCoef = o.klIn === 'loss' ? schedules.scheduleAt(o.klCoef, this.#step) : 0;
    return scoped(() => {
      let grads: Params | undefined;
      const totals = new Float64Array(7);
      for (let from = 0; from < B; from += o.batchSize) {
        const to = Math.min(B, from + o.batchSize);
        const share = this.#share(c, from, to);
        if (share === 0) continue;
        const part = this.#part(c, from, to);
        const {
          value,
          grads: g,
          aux,
        } = valueAndGradWithAux((p: Params) => {
          const logProbs = o.policy.logProbs(p, part.prompts, part.completions);
          const { loss, stats } = o.surrogate({ ...part.input, logProbs });
          const total = klCoef === 0 ? loss : add<Scalar>(loss, mul(this.#referenceKl(logProbs, part), klCoef));
          const { klForward, klReverse, clipFraction, ratioMax, clampedShare } = stats;
          return {
            value: mul<Scalar>(total, share),
            aux: { stats: stack([klForward, klReverse, clipFraction, ratioMax, clampedShare]), logProbs },
          };
        })(this.params);
        if (first) this.#checkRatios(aux.logProbs, part.input.oldLogProbs, part.mask);
        totals[0] = (totals[0] as number) + (value.dataSync<'float32'>()[0] as number);
        for (const [i, s] of aux.stats.dataSync<'float32'>().entries())
          totals[1 + i] = i === 3 ? Math.max(totals[4] as number, s) : (totals[1 + i] as number) + share * s;
        grads = grads === undefined ? g : (zipTree(grads, g, (a, b) => add(a, b as Tensor)) as Params);
      }
      if (grads === undefined) return totals;
      const norm = treeNorm(grads);
      totals[6] = norm.dataSync<'float32'>()[0] as number;
      if (!Number.isFinite((totals[0] as number) + totals[6])) {
        throw new NumericalError({
          where: `TokenPolicyTrainer, step ${this.#step + 1}`,
          what: 'loss or gradient is not finite',
          got: totals[0],
          fix: 'The parameters are those before this step. Lower the learning rate, or set maxGradNorm',
        });
      }
      const scale = o.maxGradNorm === undefined ? scalar(1) : clipScale(norm, o.maxGradNorm);
      this.#optimizer.update(this.params, grads, this.#state, rate, { gradientScale: scale });
      return totals;
    });
  }

  /** k3 to the reference, as an average over the tokens that count (GRPO, arXiv 2402.03300, eq. 4). */
  #referenceKl(logProbs: Tensor2D, part: { ref: Tensor2D; mask: Tensor2D }): Scalar {
    const x = sub(part.ref, logProbs);
    const k3 = sub(sub(exp(x), 1), x);
    return mul<Scalar>(sum(mul(k3, part.mask)), 1 / Math.max(1, sum(part.mask).dataSync<'float32'>()[0] as number));
  }

  /** What a micro-batch weighs in the whole: its tokens, or its rows. */
  #share(c: Credited, from: number, to: number): number {
    const { width } = c.completions;
    const count = (a: number, b: number): number => c.counted.subarray(a * width, b * width).reduce((n, m) => n + m, 0);
    const inside = count(from, to);
    if (inside === 0) return 0;
    const { aggregate = 'token-mean' } = this.options.surrogate.options as { aggregate?: string };
    return aggregate === 'token-mean' ? inside / count(0, c.groups.length) : (to - from) / c.groups.length;
  }

  #part(c: Credited, from: number, to: number) {
    const { width } = c.completions;
    const shape = [to - from, width] as [number, number];
    const cut = (x: Float32Array): Tensor2D => tensor2d(x.subarray(from * width, to * width), shape);
    const mask = cut(c.counted);
    return {
      prompts: selectRows(c.prompts, from, to),
      completions: selectRows(c.completions, from, to),
      mask,
      ref: cut(c.refLogProbs),
      input: { oldLogProbs: cut(c.logProbs), advantages: cut(c.advantages), mask },
    };
  }

  /** Before the first inner step the ratio must be 1. */
  #checkRatios(logProbs: Tensor, old: Tensor, mask: Tensor): void {
    if (this.options.precision !== 'float32') return;
    const x = mul(sub(logProbs, old), mask).dataSync<'float32'>();
    checkSameLogProbs(`TokenPolicyTrainer, step ${this.#step + 1}`, x);
  }

  /** log p of the sampled tokens at temperature 1, by the trainer's own pass `[B·T]`. */
  #logProbs(params: Params, r: TokenRollout): Float32Array {
    const { policy, batchSize, precision } = this.options;
    const { width, lengths } = r.completions;
    const out = new Float32Array(lengths.length * width);
    for (let from = 0; from < lengths.length; from += batchSize) {
      const to = Math.min(lengths.length, from + batchSize);
      const part = withPrecision(precision, () =>
        scoped(() =>
          policy
            .logProbs(params, selectRows(r.prompts, from, to), selectRows(r.completions, from, to))
            .dataSync<'float32'>()
            .slice(),
        ),
      );
      out.set(part, from * width);
    }
    return out.map((x, i) => (r.mask[i] === 0 ? 0 : x));
  }

  #trees(): Record<string, Params> {
    return {
      params: this.params,
      optimizer: this.#state,
      ...(this.#ownsAnchor && { anchor: this.#anchor }),
      ...(this.#value !== undefined && { value: this.#value.params, 'value-optimizer': this.#value.state }),
    };
  }

  #config(): Record<string, unknown> {
    const { policy, params, codec, prompts, reward, monitor, anchor, surrogate, checkpointEvery, ...rest } =
      this.options;
    const kept = typeof anchor === 'object' && 'params' in anchor ? 'params' : anchor;
    return {
      ...savedOptions(rest),
      anchor: kept,
      prompts: prompts.length,
      surrogate: { name: surrogate.surrogate, ...surrogate.options },
    };
  }

  #content(): AgentContent {
    const state: SavedState = { sampler: this.#sampler.state(), movingAverage: this.#movingAverage };
    return { step: this.#step, trees: this.#trees(), state, config: this.#config() };
  }
}

const plain = (x: unknown): never => JSON.parse(JSON.stringify(x)) as never;

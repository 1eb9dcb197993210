/**
 * Direct preference optimisation (arXiv 2305.18290): a policy from pairs alone, without sampling and without a preference
 * model. The reference's log-probabilities are computed once, before the first update, and kept as two numbers a pair: no
 * second model is in memory while the policy learns.
 */
import { padBatch } from '@gimbal/language-models';
import {
  assignTree,
  ConfigError,
  checkKnown,
  DataError,
  DataTrainer,
  disposeTree,
  EpochSampler,
  type LoopOptions,
  type LoopSetup,
  LoopTrainer,
  mapBatches,
  type Params,
  rng,
  type Schedule,
  ShapeError,
  StoppedError,
  schedules,
  type TokenBatch,
  type TokenPolicy,
  type TrainStep,
  variables,
} from '@gimbal/tensor-core';
import {
  cast,
  greater,
  mean,
  mul,
  type Scalar,
  slice,
  stack,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  tensor1d,
  tidy,
  zeros,
} from '@tensorflow/tfjs-core';
import { checkDpoLoss, type DpoLossName, dpoLoss, isLengthNormalised, softly } from '../losses/pair-losses.ts';
import { tokenMask } from '../policies/mixture-policy.ts';
import { checkReference } from '../training/nash-md-options.ts';
import type { PreferenceTokens } from './preference-tokens.ts';

/** Options of `DpoTrainer`: the loop's, of which learning rate and batch size have defaults, and its own. */
export interface DpoOptions
  extends Omit<LoopOptions, 'overflow' | keyof typeof dpoDefaults>,
    Partial<Pick<LoopOptions, 'learningRate' | 'batchSize' | 'maxGradNorm'>> {
  /** gives log-probabilities; not disposed */
  policy: TokenPolicy;
  /** where training starts; not kept: the trainer owns variables with the same values */
  params: Params;
  /** μ, a tree of the same policy, needed until the first step is done; default the parameters at the start */
  reference?: Params;
  /** at least one */
  data: readonly PreferenceTokens[];
  /** held-out pairs: evalLoss, evalAccuracy, evalMargin */
  evalData?: readonly PreferenceTokens[];
  /** β > 0, weight of the KL divergence from the reference (τ of IPO); default .1 */
  klCoef?: Schedule;
  /** default 'sigmoid' */
  dpoLoss?: DpoLossName;
  /** share of labels that are taken for flipped, in [0, ½); of sigmoid, and of robust, which needs it; default 0 */
  labelSmoothing?: number;
  /** fills up short rows; default 0 */
  padId?: number;
}

/** What is used for options that are not given. */
export const dpoDefaults = {
  learningRate: 1e-6,
  batchSize: 8,
  maxGradNorm: 1,
  klCoef: 0.1,
  dpoLoss: 'sigmoid',
  labelSmoothing: 0,
  padId: 0,
} as const satisfies Partial<LoopOptions> & { [name: string]: unknown };

const known: readonly string[] = [
  ...Object.keys(dpoDefaults),
  ...['policy', 'params', 'reference', 'data', 'evalData', 'optimizer', 'accumulate', 'precision', 'seed'],
  ...['gradientCheckpointing', 'evalEvery', 'keepBest', 'earlyStop', 'checkpointEvery', 'keepCheckpoints'],
  ...['logEvery', 'out'],
];

/** One step; every field but `step` is a metric. */
export interface DpoStep extends TrainStep {
  /** of `dpoLoss`, mean over pairs */
  readonly loss: number;
  /** share of pairs whose chosen completion has the larger implicit reward β log π/μ */
  readonly accuracy: number;
  /** mean β (log π/μ of the chosen − of the rejected) */
  readonly margin: number;
  /** mean β log π/μ of the chosen completions */
  readonly rewardChosen: number;
  /** the same of the rejected ones */
  readonly rewardRejected: number;
}

interface PairBatch {
  /** prompts twice, then the chosen before the rejected `[2B]` */
  prompts: TokenBatch;
  completions: TokenBatch;
  /** log μ of the whole completions `[2B]` */
  reference: Float32Array;
  labels: Float32Array;
}

/** Trains a policy on pairs. Owns its copy of the parameters until `dispose()`. */
export class DpoTrainer extends DataTrainer<PairBatch, DpoStep> {
  readonly #pairs: PairSource;

  /** @throws ConfigError for options, DataError for pairs that cannot be used; nothing stays allocated then */
  constructor(options: DpoOptions);
  /** @internal a loop that was resumed */
  constructor(options: DpoOptions, pairs: PairSource, loop: LoopTrainer<PairBatch>);
  constructor(options: DpoOptions, pairs = new PairSource(options), loop = loopOf(pairs)) {
    super(loop);
    this.#pairs = pairs;
  }

  /**
   * Goes on with a saved run: its next steps are those of the uninterrupted one.
   * @param options those of the run; `params` and `reference` only give the structure
   * @throws CheckpointError where there is no valid checkpoint, or an option differs (it is named)
   */
  static async resume(
    from: string,
    options: DpoOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<DpoTrainer> {
    const pairs = new PairSource(options);
    try {
      return new DpoTrainer(options, pairs, await LoopTrainer.resume(from, pairs.setup(), o));
    } catch (error) {
      pairs.dispose();
      throw error;
    }
  }

  override dispose(): void {
    super.dispose();
    this.#pairs.dispose();
  }
}

/** A new loop over pairs that are disposed where there is none. */
function loopOf(pairs: PairSource): LoopTrainer<PairBatch> {
  try {
    return new LoopTrainer(pairs.setup());
  } catch (error) {
    pairs.dispose();
    throw error;
  }
}

/** Pairs in batches, and what the reference says of them. */
class PairSource {
  readonly #o: DpoOptions & typeof dpoDefaults;
  /** training pairs, then held-out ones */
  readonly #all: readonly PreferenceTokens[];
  /** log μ of chosen and rejected `[N]` each, and whether they are known */
  readonly #reference: Params;
  #known: { chosen: Float32Array; rejected: Float32Array } | undefined;
  /** of the last update: held-out pairs are measured with its β */
  #step = 0;

  constructor(options: DpoOptions) {
    checkKnown('DpoTrainer', options, known);
    this.#o = { ...dpoDefaults, ...options } as DpoOptions & typeof dpoDefaults;
    const { data, evalData = [], klCoef, dpoLoss: name, labelSmoothing, batchSize } = this.#o;
    checkDpoLoss({ dpoLoss: name, klCoef: schedules.scheduleAt(klCoef, 0), labelSmoothing });
    if ((name as DpoLossName) === 'robust' && labelSmoothing === 0) {
      const what = 'robust without flipped labels is sigmoid';
      throw new ConfigError({ where: 'labelSmoothing', what, got: 0, wanted: 'their share, above 0 and below ½' });
    }
    if (data.length === 0) throw new ConfigError({ where: 'data', what: 'there are no pairs', wanted: 'at least 1' });
    if (batchSize > data.length)
      throw new ConfigError({
        where: 'batchSize',
        what: 'more than there are pairs',
        got: batchSize,
        wanted: `at most ${data.length}`,
      });
    this.#all = [...data, ...evalData];
    for (const [i, pair] of this.#all.entries())
      checkPair(i < data.length ? `data, pair ${i}` : `evalData, pair ${i - data.length}`, pair);
    if (this.#o.reference !== undefined) checkReference(this.#o.params, this.#o.reference);
    const n = this.#all.length;
    // variables are copies
    this.#reference = tidy(() => variables({ chosen: zeros([n]), rejected: zeros([n]), known: zeros([1]) }));
  }

  setup(): LoopSetup<PairBatch> {
    const {
      policy,
      params,
      reference,
      data,
      evalData,
      klCoef,
      dpoLoss: name,
      labelSmoothing,
      padId: _,
      ...loop
    } = this.#o;
    const sampler = new EpochSampler(data.length, { batchSize: loop.batchSize, rng: rng(loop.seed).split('data') });
    return {
      params,
      batches: mapBatches(sampler, (indices) => this.#batch(indices)),
      prepare: ({ params: now, step, signal }) => {
        this.#step = step;
        return this.#ask(reference ?? now, signal);
      },
      trees: { reference: this.#reference },
      loss: (p, batch, { step }) => this.#loss(p, batch, step),
      ...(evalData && evalData.length > 0 && { evaluate: (p: Params) => this.#evaluate(p) }),
      options: loop,
      config: {
        klCoef: typeof klCoef === 'number' ? klCoef : 'schedule',
        ...{ dpoLoss: name, labelSmoothing, pairs: data.length },
      },
    };
  }

  dispose(): void {
    disposeTree(this.#reference);
  }

  #batch(indices: ArrayLike<number>): PairBatch {
    const pairs = Array.from(indices, (i) => this.#all[i] as PreferenceTokens);
    const { chosen, rejected } = this.#known as { chosen: Float32Array; rejected: Float32Array };
    const log = (from: Float32Array): number[] => Array.from(indices, (i) => from[i] as number);
    return {
      ...this.#tokens(pairs),
      reference: Float32Array.from([...log(chosen), ...log(rejected)]),
      labels: Float32Array.from(pairs, ({ label = 1 }) => label),
    };
  }

  #tokens(pairs: readonly PreferenceTokens[]): Pick<PairBatch, 'prompts' | 'completions'> {
    const prompts = pairs.map(({ prompt }) => prompt);
    const { padId } = this.#o;
    return {
      prompts: padBatch([...prompts, ...prompts], padId),
      completions: padBatch([...pairs.map((p) => p.chosen), ...pairs.map((p) => p.rejected)], padId),
    };
  }

  /** Asks the reference about every pair, once in a run. */
  async #ask(reference: Params, signal: AbortSignal | undefined): Promise<void> {
    if (this.#known !== undefined) return;
    const saved = this.#reference as Record<'chosen' | 'rejected' | 'known', Tensor>;
    if ((await saved.known.data())[0] === 1) {
      const [chosen, rejected] = [await saved.chosen.data<'float32'>(), await saved.rejected.data<'float32'>()];
      this.#known = { chosen: chosen.slice(), rejected: rejected.slice() };
      return;
    }
    const n = this.#all.length;
    const known = { chosen: new Float32Array(n), rejected: new Float32Array(n) };
    const { policy, batchSize } = this.#o;
    for (let at = 0; at < n; at += batchSize) {
      if (signal?.aborted)
        throw new StoppedError({ where: 'DpoTrainer', what: `stopped after ${at} of ${n} pairs of the reference` });
      const pairs = this.#all.slice(at, at + batchSize);
      const { prompts, completions } = this.#tokens(pairs);
      const totals = tidy(() => sum(mul(policy.logProbs(reference, prompts, completions), tokenMask(completions)), 1));
      const values = await totals.data<'float32'>();
      totals.dispose();
      known.chosen.set(values.subarray(0, pairs.length), at);
      known.rejected.set(values.subarray(pairs.length), at);
    }
    const filled = { chosen: tensor1d(known.chosen), rejected: tensor1d(known.rejected), known: tensor1d([1]) };
    assignTree(this.#reference, filled, 'reference');
    disposeTree(filled);
    this.#known = known;
  }

  #loss(
    params: Params,
    batch: PairBatch,
    step: number,
  ): { sum: Scalar; weight: number; metrics: Record<string, number | Scalar> } {
    const { policy, dpoLoss: name, labelSmoothing } = this.#o;
    const klCoef = schedules.scheduleAt(this.#o.klCoef, step);
    const { lengths } = batch.completions;
    const B = batch.labels.length;
    const logProbs = policy.logProbs(params, batch.prompts, batch.completions);
    const ratios = sub(sum(mul(logProbs, tokenMask(batch.completions)), 1), tensor1d(batch.reference)) as Tensor1D;
    const part = (t: Tensor1D, from: number): Tensor1D => slice(t, [from], [B]);
    const scores = isLengthNormalised(name)
      ? (mul(ratios, tensor1d(Float32Array.from(lengths, (n) => 1 / n))) as Tensor1D)
      : ratios;
    const one = (h: Tensor1D): Tensor1D => dpoLoss(h, { dpoLoss: name, klCoef, labelSmoothing });
    const h = sub(part(scores, 0), part(scores, B)) as Tensor1D;
    const soft = batch.labels.some((label) => label !== 1);
    const losses = soft ? softly(one, h, tensor1d(batch.labels)) : one(h);
    // what the policy rewards by itself: β log π/μ
    const rewards = tidy(() => mul(ratios, klCoef)) as Tensor1D;
    const [chosen, rejected] = [part(rewards, 0), part(rewards, B)];
    return {
      sum: sum(losses) as Scalar,
      weight: B,
      metrics: {
        accuracy: mean(cast(greater(chosen, rejected), 'float32')) as Scalar,
        margin: mean(sub(chosen, rejected)) as Scalar,
        rewardChosen: mean(chosen) as Scalar,
        rewardRejected: mean(rejected) as Scalar,
      },
    };
  }

  async #evaluate(params: Params): Promise<{ loss: number; accuracy: number; margin: number }> {
    const { data, batchSize } = this.#o;
    const totals = new Float64Array(3);
    const n = this.#all.length - data.length;
    for (let at = data.length; at < this.#all.length; at += batchSize) {
      const to = Math.min(this.#all.length, at + batchSize);
      const values = tidy(() => {
        const { sum: loss, metrics } = this.#loss(params, this.#batch(range(at, to)), this.#step);
        return stack([loss, mul(metrics.accuracy as Scalar, to - at), mul(metrics.margin as Scalar, to - at)]);
      });
      for (const [i, x] of (await values.data<'float32'>()).entries()) totals[i] = (totals[i] as number) + x;
      values.dispose();
    }
    return { loss: (totals[0] as number) / n, accuracy: (totals[1] as number) / n, margin: (totals[2] as number) / n };
  }
}

/** @throws ShapeError for a part without tokens, DataError for equal completions or a label that is no probability */
function checkPair(where: string, { prompt, chosen, rejected, label = 1 }: PreferenceTokens): void {
  if (!(prompt.length > 0 && chosen.length > 0 && rejected.length > 0))
    throw new ShapeError({ where, what: 'a part without tokens', wanted: 'at least one of each' });
  if (chosen.length === rejected.length && chosen.every((id, t) => id === rejected[t])) {
    const fix = 'Leave the pair out: it says nothing of which is better';
    throw new DataError({ where, what: 'both completions have the same tokens', fix });
  }
  if (!(typeof label === 'number' && label >= 0 && label <= 1))
    throw new DataError({ where, what: 'the label is out of range', got: label, wanted: 'a number from 0 to 1' });
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

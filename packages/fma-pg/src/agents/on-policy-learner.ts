/** The inner loop: K passes over one rollout in shuffled minibatches, with Adam, clipping, stops and the guard. */
import {
  clipScale,
  createOptimizer,
  disposeTree,
  flatten,
  NumericalError,
  type Optimizer,
  type OptimizerState,
  type Params,
  type Rng,
  shuffledIndices,
  shuffleInPlace,
  treeNorm,
  unflatten,
  valueAndGrad,
  valueAndGradWithAux,
} from '@gimbal/tensor-core';
import { concat, mean, reshape, type Scalar, type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { annealedParts, annealedWithin, notNegative } from '../internal/anneal.ts';
import { type HostInput, ReplayedStep, type Rest } from '../internal/replayed-step.ts';
import { gatherRows } from '../rollout/rollout.ts';
import { resultOf } from '../surrogates/surrogate-result.ts';
import { analyticKlOf, surrogates } from '../surrogates/surrogates.ts';
import type { ActorCritic, ActorCriticParams } from './actor-critic.ts';
import { boundedRate, nextPenalty, nextRateFactor } from './adaptive.ts';
import { type Credit, creditedRows, creditOf, reweighed } from './on-policy-advantages.ts';
import {
  type ActedBatch,
  type MinibatchTensors,
  minibatch,
  minibatchInputs,
  oldHead,
  Scratch,
} from './on-policy-batch.ts';
import {
  type LossOptions,
  minibatchLoss,
  statNames,
  surrogateInput,
  type UpdateStats,
  valueError,
} from './on-policy-loss.ts';
import type { ResolvedOnPolicy } from './on-policy-options.ts';
import { sequenceCount, sequenceRows } from './sequences.ts';
import { parameterSnapshot } from './snapshot.ts';
import { trustRegionStep } from './trust-region.ts';

export interface LearnResult extends UpdateStats {
  gradNorm: number;
  learningRate: number;
  /** passes that were made, a part of one where `targetKl` ended it */
  epochs: number;
  /** times the guard took the policy back */
  restored: number;
  /** where there is a guard: passes after which the surrogate was lower than before the first */
  fallen?: number;
  /** mean KL(p_t ‖ p_{t+1}) over the rollout's states, in closed form */
  finalKl: number;
}

const nothingLearnt: Omit<LearnResult, 'learningRate'> = {
  ...(Object.fromEntries(statNames.map((name) => [name, 0])) as UpdateStats),
  ...{ gradNorm: 0, epochs: 0, restored: 0, finalKl: 0 },
};

export class OnPolicyLearner {
  readonly #optimizer: Optimizer;
  readonly optimizerState: OptimizerState;
  readonly #criticOptimizer: Optimizer | undefined;
  readonly criticState: OptimizerState | undefined;
  readonly #trained: Params;
  readonly #policyStep: ReplayedStep;
  readonly #scratch = new Scratch();
  readonly #criticStep: ReplayedStep;
  #warned = false;
  /** β of PPO-KL */
  klCoef: number;
  /** what `adaptiveRate` has made of the learning rate: a factor */
  rateFactor = 1;

  constructor(
    private readonly net: ActorCritic,
    private readonly params: ActorCriticParams,
    private readonly o: ResolvedOnPolicy,
  ) {
    const joint = o.critic === undefined;
    this.#trained = joint ? params : { policy: params.policy };
    this.#optimizer = createOptimizer(o.optimizer);
    this.optimizerState = this.#optimizer.init(this.#trained);
    this.#criticOptimizer = joint ? undefined : createOptimizer(o.optimizer);
    this.criticState = this.#criticOptimizer?.init({ value: params.value });
    this.klCoef = o.adaptiveKl?.initial ?? 1;
    this.#policyStep = new ReplayedStep([params, this.optimizerState], replayable(o));
    this.#criticStep = new ReplayedStep(
      [params.value, ...(this.criticState === undefined ? [] : [this.criticState])],
      writesInPlace(o),
    );
  }

  /** Looks at what is annealed, before anything moves. @throws ConfigError for what is out of range by now */
  check(progress: number): void {
    const { learningRate, entropyCoef, method, adaptiveKl, surrogate } = this.o;
    annealedWithin('learningRate', learningRate, progress, notNegative);
    if (method !== 'gradient') return;
    annealedWithin('entropyCoef', entropyCoef, progress, notNegative);
    if (adaptiveKl === undefined) surrogate.check?.(progress);
  }

  /** One update. @param stream of this update alone */
  update(batch: ActedBatch, progress: number, stream: Rng): LearnResult {
    const { o } = this;
    const rate = annealedWithin('learningRate', o.learningRate, progress, notNegative);
    const learningRate = boundedRate(rate, this.rateFactor, o.adaptiveRate);
    // a rollout of steps that only reset: there is nothing to take a mean of
    if (!batch.rollout.valid.includes(1))
      return { ...nothingLearnt, learningRate, ...(o.innerGuard !== 'off' && { fallen: 0 }) };
    const credit = creditOf(batch, batch.advantages, o);
    const learnt: Omit<LearnResult, 'finalKl'> =
      o.method === 'gradient'
        ? this.#passes(batch, credit, learningRate, progress, stream)
        : { ...this.#naturalStep(batch, credit, progress), learningRate, epochs: 1, restored: 0 };
    const result: LearnResult = { ...learnt, finalKl: this.#finalKl(batch) };
    if (o.critic !== undefined) result.valueLoss = this.#trainCritic(batch, learningRate, stream.split('critic'));
    if (o.adaptiveKl !== undefined) this.klCoef = nextPenalty(this.klCoef, result.finalKl, o.adaptiveKl.target);
    if (o.adaptiveRate !== undefined) this.rateFactor = nextRateFactor(this.rateFactor, result, o.adaptiveRate);
    return result;
  }

  dispose(): void {
    this.#policyStep.dispose();
    this.#criticStep.dispose();
    disposeTree(this.optimizerState);
    if (this.criticState !== undefined) disposeTree(this.criticState);
  }

  #lossOptions(): LossOptions {
    const { surrogate, valueCoef, valueClip, entropyCoef, critic, adaptiveKl } = this.o;
    return {
      surrogate: adaptiveKl === undefined ? surrogate : surrogates.ppoKl({ klCoef: this.klCoef }),
      valueCoef,
      entropyCoef,
      joint: critic === undefined,
      ...(valueClip !== undefined && { valueClip }),
    };
  }

  #passes(
    batch: ActedBatch,
    credit: Credit,
    rate: number,
    progress: number,
    stream: Rng,
  ): Omit<LearnResult, 'finalKl'> {
    const { o } = this;
    const loss = this.#lossOptions();
    const step = this.#stepper(loss, rate, progress);
    const isTooFar = this.#isTooFar();
    const sums = new Float64Array(statNames.length + 1);
    let [count, epochs, restored, fallen] = [0, 0, 0, 0];
    let used = credit;
    // the last good weights, with the optimiser's moments that belong to them
    const guard =
      o.innerGuard === 'off'
        ? undefined
        : {
            at: this.#objective(batch, credit, loss, progress),
            good: [this.params, this.optimizerState].map((tree) => parameterSnapshot(tree)),
          };
    try {
      for (let [epoch, ended] = [0, false]; epoch < o.epochs && !ended; epoch++) {
        if (o.returns === 'vtrace' && epoch > 0) used = creditOf(batch, reweighed(this.net, this.params, batch, o), o);
        let made = 0;
        for (const rows of this.#shuffledParts(batch, stream.split(epoch))) {
          if (rows.length === 0) continue;
          const stats = step(batch, rows, used);
          for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (stats[i] as number);
          count++;
          ended = isTooFar(stats);
          if (ended) break;
          made++;
        }
        epochs += ended ? made / o.minibatches : 1;
        if (guard === undefined || made === 0) continue;
        // on the same advantages, or a fall could be that of V-trace's estimate
        const now = this.#objective(batch, credit, loss, progress);
        // against the value before the first pass: that is the theorem's premise, whatever the passes between gave
        if (now >= guard.at - 1e-6 * (1 + Math.abs(guard.at))) {
          if (o.innerGuard === 'restore') for (const tree of guard.good) tree.update();
          continue;
        }
        fallen++;
        if (o.innerGuard === 'restore') {
          for (const tree of guard.good) tree.restore();
          restored++;
          break;
        }
        this.#warnOnce(guard.at, now);
      }
    } finally {
      for (const tree of guard?.good ?? []) tree.dispose();
    }
    const means = [...sums].map((s) => s / Math.max(count, 1));
    const named = Object.fromEntries(statNames.map((name, i) => [name, means[i] as number])) as UpdateStats;
    return {
      ...named,
      ...{ gradNorm: means.at(-1) as number, learningRate: rate, epochs, restored },
      ...(guard && { fallen }),
    };
  }

  /** Whether a minibatch's numbers say that the policy is beyond `targetKl`: its step is then not taken. */
  #isTooFar(): (stats: Float32Array) => boolean {
    const { targetKl } = this.o;
    const kl = statNames.indexOf('klForward');
    return (stats) => targetKl !== undefined && (stats[kl] as number) > 1.5 * targetKl;
  }

  #warnOnce(before: number, now: number): void {
    if (!this.#warned)
      (this.o.warn ?? console.warn)(
        `${this.o.algorithm}: a pass lowered the surrogate on its own batch from ${before} to ${now} (innerGuard 'warn'; the metric fallen counts such passes)`,
      );
    this.#warned = true;
  }

  /**
   * A function that takes one minibatch's step and returns its numbers, the gradient's norm last. With a `targetKl` the
   * numbers are looked at in between: two programs, the gradient's and the optimiser's.
   */
  #stepper(
    loss: LossOptions,
    rate: number,
    progress: number,
  ): (batch: ActedBatch, rows: Int32Array, credit: Credit) => Float32Array {
    const { o, net } = this;
    const entropyCoef = annealedWithin('entropyCoef', loss.entropyCoef, progress, notNegative);
    const constants = [entropyCoef, ...Object.values(loss.surrogate.options).map((x) => annealedParts(x, progress))];
    this.#policyStep.begin(JSON.stringify(constants));
    const uses = { oldHead: analyticKlOf(loss.surrogate) !== undefined, values: loss.valueClip !== undefined };
    const gradients = (inputs: { [name: string]: Tensor }) => {
      const b = inputs as unknown as MinibatchTensors;
      const { grads, aux } = valueAndGradWithAux((p: Params) =>
        minibatchLoss(net, { ...this.params, ...p } as ActorCriticParams, oldHead(inputs), b, loss, progress),
      )(this.#trained);
      const norm = treeNorm(grads);
      return { grads, scale: clipScale(norm, o.maxGradNorm), out: concat([aux, reshape(norm, [1])]) };
    };
    const apply = (grads: Params, gradientScale: Tensor, learningRate: Scalar): void =>
      this.#optimizer.update(this.#trained, grads, this.optimizerState, learningRate, { gradientScale });
    const whole = (inputs: { [name: string]: Tensor }): { out: Tensor } => {
      const { grads, scale, out } = gradients(inputs);
      apply(grads, scale, inputs.learningRate as Scalar);
      return { out };
    };
    const half = (inputs: { [name: string]: Tensor }): { out: Tensor } => {
      const { grads, ...rest } = gradients(inputs);
      return { ...Object.fromEntries(flatten(grads)), ...rest };
    };
    const isTooFar = this.#isTooFar();
    const rest: Rest = {
      isWanted: (stats) => !isTooFar(stats),
      inputs: { learningRate: rate },
      take: ({ out: _, scale, ...grads }, inputs) =>
        apply(unflatten(Object.entries(grads)), scale as Tensor, inputs.learningRate as Scalar),
    };
    return (batch, rows, credit) => {
      const used = creditedRows(credit, rows, o, this.#scratch.floats('advantages', rows.length));
      const inputs = minibatchInputs(net, batch, rows, used, this.#scratch, uses);
      const stats =
        o.targetKl === undefined
          ? this.#policyStep.run({ ...inputs, learningRate: rate }, whole)
          : this.#policyStep.run(inputs, half, rest);
      const size = stats[statNames.length] as number;
      if (!Number.isFinite((stats[0] as number) + (stats[1] as number) + size)) throw this.#notFinite(stats, size);
      return stats;
    };
  }

  /** The surrogate on the whole batch: what the guard and line searches look at. */
  #objective(batch: ActedBatch, credit: Credit, loss: LossOptions, progress: number): number {
    const used = creditedRows(credit, batch.entries, this.o);
    return tidy(() => {
      const { batch: b, old } = minibatch(this.net, batch, batch.entries, used);
      const { input } = surrogateInput(this.net, this.params.policy, old, b, loss.surrogate, progress);
      return -(resultOf(loss.surrogate, input).loss.dataSync<'float32'>()[0] as number);
    });
  }

  #naturalStep(batch: ActedBatch, credit: Credit, progress: number): UpdateStats & { gradNorm: number } {
    const { o, net, params } = this;
    const used = creditedRows(credit, batch.entries, o);
    const linear = surrogates.ratio();
    return tidy(() => {
      const { batch: b, old } = minibatch(net, batch, batch.entries, used);
      const before = net.distribution({ head: old }, b.oldOutputs, b.mask);
      const objective = (policy: Params): Scalar => {
        const { input } = surrogateInput(net, policy, old, b, linear, progress);
        return linear(input).loss;
      };
      const divergence = (policy: Params): Scalar => {
        const d = net.distribution(policy, net.outputs(policy, b), b.mask);
        return mean<Scalar>(before.kl(d));
      };
      const { gradNorm } = trustRegionStep(params.policy, objective, divergence, {
        ...o.trustRegion,
        lineSearch: o.method === 'trpo',
      });
      const { aux } = minibatchLoss(
        net,
        params,
        old,
        b,
        { ...this.#lossOptions(), surrogate: linear, joint: false },
        progress,
      );
      const stats = aux.dataSync<'float32'>();
      return {
        ...(Object.fromEntries(statNames.map((name, i) => [name, stats[i] as number])) as UpdateStats),
        gradNorm,
      };
    });
  }

  #finalKl(batch: ActedBatch): number {
    const { net, params } = this;
    return tidy(() => {
      const { batch: b, old } = minibatch(net, batch, batch.entries, gatherRows(batch.advantages, 1, batch.entries));
      const before = net.distribution({ head: old }, b.oldOutputs, b.mask);
      const after = net.distribution(params.policy, net.outputs(params.policy, b), b.mask);
      return mean(before.kl(after)).dataSync<'float32'>()[0] as number;
    });
  }

  #trainCritic(batch: ActedBatch, rate: number, stream: Rng): number {
    const { o, net } = this;
    const { epochs, batchSize, learningRate = rate } = o.critic as NonNullable<ResolvedOnPolicy['critic']>;
    const width = net.observation.size;
    const trained = { value: this.params.value };
    const step = (inputs: { [name: string]: Tensor }): { out: Tensor } => {
      const targets = { returns: inputs.returns as Tensor, values: inputs.values as Tensor };
      const { value, grads } = valueAndGrad((p: Params) =>
        valueError(net.values(p.value as Params, { obs: inputs.obs as Tensor2D }), targets, o.valueClip),
      )(trained);
      const norm = treeNorm(grads);
      this.#criticOptimizer?.update(trained, grads, this.criticState as OptimizerState, inputs.learningRate as Scalar, {
        gradientScale: clipScale(norm, o.maxGradNorm),
      });
      return { out: value };
    };
    this.#criticStep.begin('');
    let [total, count] = [0, 0];
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = this.#scratch.rows('critic', batch.entries);
      shuffleInPlace(order, stream.split(epoch));
      for (let from = 0; from < order.length; from += batchSize) {
        const rows = order.subarray(from, from + batchSize);
        const column = (x: Float32Array): HostInput => ({ values: gatherRows(x, 1, rows), shape: [rows.length] });
        const inputs = {
          obs: { values: gatherRows(batch.rollout.obs, width, rows), shape: [rows.length, width] },
          returns: column(batch.returns),
          values: column(batch.values),
          learningRate,
        };
        total += this.#criticStep.run(inputs, step)[0] as number;
        count++;
      }
    }
    return total / count;
  }

  /** All entries once, in parts that are valid until the next call; where there is a memory, whole sequences. */
  *#shuffledParts({ entries, rollout, sequence }: ActedBatch, stream: Rng): Iterable<Int32Array> {
    const parts = this.o.minibatches;
    const count = sequence === undefined ? entries.length : sequenceCount(rollout.size, sequence.length);
    const order = sequence === undefined ? this.#scratch.rows('order', entries) : shuffledIndices(count, stream);
    if (sequence === undefined) shuffleInPlace(order, stream);
    for (let part = 0; part < parts; part++) {
      const chosen = order.subarray(Math.floor((part * count) / parts), Math.floor(((part + 1) * count) / parts));
      yield sequence === undefined ? chosen : sequenceRows(rollout.size, sequence.length, chosen);
    }
  }

  #notFinite(stats: ArrayLike<number>, norm: number): NumericalError {
    const at = statNames.findIndex((_, i) => !Number.isFinite(stats[i]));
    return new NumericalError({
      where: `${this.o.algorithm}, update`,
      what: `${statNames[at] ?? 'the gradient’s norm'} is not finite`,
      got: stats[at] ?? norm,
      fix: 'Lower the learning rate, or normalise observations and rewards; the last checkpoint is still good',
    });
  }
}

/** Whether a replay of a step is the step: the optimiser writes in place. */
const writesInPlace = ({ optimizer }: ResolvedOnPolicy): boolean =>
  optimizer.name === 'adam' || optimizer.name === 'adamw';

/** And the surrogate says that it reads no values back. */
const replayable = (o: ResolvedOnPolicy): boolean => writesInPlace(o) && o.surrogate.replay === true;

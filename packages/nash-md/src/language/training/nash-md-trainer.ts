/**
 * Nash learning of a language model: sample completions and an opponent's, ask which is preferred, take a step. The loop,
 * its optimiser, checkpoints and guards are tensor-core's; the rollout and the rewards of the KL are fma-pg's.
 */
import {
  ConfigError,
  checkName,
  type LoopSetup,
  LoopTrainer,
  type Params,
  type Schedule,
  type StopReason,
  schedules,
  type Trainer,
  type TrainerStep,
  type TrainRequest,
  type TrainStep,
} from '@gimbal/tensor-core';
import type { Contestant } from '../contestant.ts';
import { mixturePolicy } from '../policies/mixture-policy.ts';
import { type NashMdOptions, type ResolvedNashMd, resolveNashMd } from './nash-md-options.ts';
import { objectiveLoss } from './objective-loss.ts';
import { type Preview, SampledBatches } from './sampled-batches.ts';
import type { Samples } from './samples.ts';

/** One step; every numeric field but `step` is a metric. */
export interface NashMdStep extends TrainerStep {
  readonly step: number;
  /**
   * of the objective, mean over completions or pairs. Of the policy gradients the objective itself, estimated:
   * ½ − winRate + τ · kl, with the penalties and the estimator's divergence; it falls below 0 as the policy wins
   */
  readonly loss: number;
  /** mean P(y ≻ y') of the policy's completions against the opponent's */
  readonly winRate: number;
  /**
   * mean Σ over tokens of log π − log μ of the first completions: an estimate of KL(π‖μ). Under ipo-md those are the
   * mixture's, and so are both sides of `winRate`
   */
  readonly kl: number;
  /** τ of this step, as it is used; 0 for sppo and dno, which have none */
  readonly klCoef: number;
  /** β of this step; 0 for an averaged opponent */
  readonly mixtureCoef: number;
  /** mean −log π of a sampled token */
  readonly entropy: number;
  /** mean tokens of a completion */
  readonly length: number;
  /** share of completions that end by themselves */
  readonly eosRate: number;
  /** mean |P(a ≻ b) + P(b ≻ a) − 1|, in steps in which both orders were asked */
  readonly orderBias?: number;
  /** global norm of the gradient before clipping */
  readonly gradNorm: number;
  /** of this update */
  readonly learningRate: number;
  /** a few of the step's completions */
  readonly samples: readonly Preview[];
  /** what else the loop measures: stepsPerSecond, secondsLeft, tensors, memoryBytes */
  readonly [metric: string]: unknown;
}

type Loop = LoopTrainer<Samples>;

/** Trains a policy to a Nash equilibrium of a preference; disposing it disposes the trained parameters too. */
export class NashMdTrainer implements Trainer<NashMdStep> {
  /** as given, with the defaults */
  readonly options: ResolvedNashMd;
  readonly #batches: SampledBatches;
  readonly #loop: Loop;

  /** @throws ConfigError and ShapeError for options that do not go together; nothing stays allocated then */
  constructor(options: NashMdOptions);
  /** @internal a loop that was resumed */
  constructor(options: ResolvedNashMd, batches: SampledBatches, loop: Loop);
  constructor(options: NashMdOptions | ResolvedNashMd, batches?: SampledBatches, loop?: Loop) {
    this.options = batches === undefined ? resolveNashMd(options) : (options as ResolvedNashMd);
    this.#batches = batches ?? new SampledBatches(this.options);
    try {
      this.#loop = loop ?? new LoopTrainer(setupOf(this.options, this.#batches));
    } catch (error) {
      if (batches === undefined) this.#batches.dispose(); // else they are the caller's
      throw error;
    }
  }

  /**
   * Continues a saved run: its next steps are those that the uninterrupted run would have had.
   * @param options those of the run; `params` and `reference` only give the structure
   * @throws CheckpointError where there is no valid checkpoint, or an option differs (it is named)
   */
  static async resume(
    from: string,
    options: NashMdOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<NashMdTrainer> {
    const resolved = resolveNashMd(options);
    const batches = new SampledBatches(resolved);
    try {
      return new NashMdTrainer(resolved, batches, await LoopTrainer.resume(from, setupOf(resolved, batches), o));
    } catch (error) {
      batches.dispose();
      throw error;
    }
  }

  /** Variables; the trainer owns them. */
  get params(): Params {
    return this.#loop.params;
  }

  /** μ; the trainer owns it. */
  get reference(): Params {
    return this.#batches.players.reference;
  }

  /** Steps done. */
  get step(): number {
    return this.#loop.step;
  }

  /** Why the last `train` ended. */
  get stopReason(): StopReason | undefined {
    return this.#loop.stopReason;
  }

  /**
   * Trains until `steps` steps are done in all, or the signal asks to stop.
   * @throws DataError when the preference fails for good: the run is saved first, and can be resumed
   */
  async *train(request: TrainRequest): AsyncGenerator<NashMdStep, void, undefined> {
    for await (const row of this.#loop.train(request)) {
      const { tokens: _, tokensPerSecond: _rate, ...metrics } = row as TrainStep;
      const { orderBias, samples } = this.#batches;
      yield { ...metrics, ...(orderBias !== undefined && { orderBias }), samples } as unknown as NashMdStep;
    }
    if (this.#batches.failure !== undefined) throw this.#batches.failure;
  }

  async run(request: TrainRequest): Promise<NashMdStep | undefined> {
    let last: NashMdStep | undefined;
    for await (const step of this.train(request)) last = step;
    return last;
  }

  /**
   * What has been trained, to be sampled from: the policy, or its mixture with the reference (see `deploy`). Valid until
   * the trainer is disposed.
   * @throws ConfigError for the mixture where the opponent is none
   */
  deployable(which: 'policy' | 'mixture' = this.options.deploy): Contestant {
    const { policy, opponent, ends } = this.options;
    checkName('deployable', which, ['policy', 'mixture']);
    if (which === 'policy') return { policy, params: this.params };
    if (opponent.kind !== 'mixture') {
      const what = 'only the mixture opponent is a mixture';
      throw new ConfigError({ where: 'deployable', what, got: opponent.kind, wanted: "'policy'" });
    }
    const mixtureCoef = schedules.scheduleAt(opponent.mixtureCoef, Math.max(0, this.step - 1));
    return { policy: mixturePolicy(policy, { reference: this.reference, mixtureCoef, ...ends }), params: this.params };
  }

  /** The averaged opponent, itself often the better policy; undefined where the opponent is the mixture. */
  get average(): Params | undefined {
    return this.options.opponent.kind === 'ema' ? this.#batches.players.opponent : undefined;
  }

  /** Writes a checkpoint with all that is needed to continue. */
  save(dir: string): Promise<void> {
    return this.#loop.save(dir);
  }

  dispose(): void {
    this.#loop.dispose();
    this.#batches.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function setupOf(o: ResolvedNashMd, batches: SampledBatches): LoopSetup<Samples> {
  const { policy, params, reference, codec, prompts, preference, ends, retries, orders, ...rest } = o;
  const {
    opponent,
    klCoef,
    inverseStep,
    objective,
    klEstimator,
    dpoLoss,
    samplesPerPrompt,
    tournament,
    contrastive,
    ...loop
  } = rest;
  const { innerSteps, deploy, maxNewTokens, temperature: _, missingEos, ...loopOptions } = loop;
  return {
    params,
    batches,
    prepare: (context) => batches.prepare(context),
    trees: batches.players.trees,
    loss: (p, batch, { step }) => objectiveLoss(o, p, batch, step, batches.players.reference),
    options: { keepBest: false, ...loopOptions },
    config: {
      ...{
        objective,
        klEstimator,
        dpoLoss,
        samplesPerPrompt,
        tournament,
        contrastive,
        innerSteps,
        deploy,
        maxNewTokens,
        missingEos,
      },
      klCoef: said(klCoef),
      inverseStep: said(inverseStep),
      opponent: saidOpponent(opponent),
      prompts: prompts.length,
      ends: { eosIds: [...ends.eosIds], padId: ends.padId },
    },
  };
}

const said = (x: Schedule): unknown => (typeof x === 'number' ? x : 'schedule');

function saidOpponent(o: ResolvedNashMd['opponent']): unknown {
  if (o.kind === 'fixed') return { kind: 'fixed' };
  return o.kind === 'mixture' ? { ...o, mixtureCoef: said(o.mixtureCoef) } : o;
}

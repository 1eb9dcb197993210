/**
 * On-policy distillation of a language model (arXiv 2306.13649, algorithm 1): the student writes (or the data, or the
 * teacher), the teacher gives its next-token distributions at every prefix, and the student minimises a divergence there.
 * The loop, its optimiser, checkpoints and guards are tensor-core's; rollout and baselines are fma-pg's.
 */
import {
  adaptedModel,
  createLora,
  disposeAdapter,
  type LanguageModel,
  type LoraAdapter,
} from '@gimbal/language-models';
import {
  ConfigError,
  type LogitPolicy,
  type LoopSetup,
  LoopTrainer,
  type Params,
  rng,
  type StopReason,
  type Trainer,
  type TrainRequest,
  type TrainStep,
} from '@gimbal/tensor-core';
import { divergenceName } from '../divergence/divergence.ts';
import { stoppedBy } from '../teachers/stopped.ts';
import { described, resolveGkd } from './check-options.ts';
import { samplingTemperature } from './check-sampling.ts';
import { DistillBatches, type PreparedBatch } from './distill-batches.ts';
import { rowsName, teacherNames, teacherPromptsName } from './fingerprint.ts';
import { gkdLoss } from './gkd-loss.ts';
import { type GkdOptions, isOwn, type ResolvedGkd } from './gkd-options.ts';
import type { GkdStep } from './gkd-step.ts';
import { type HeldOutMetrics, heldOutEvaluation } from './held-out.ts';
import { SelfTeacher } from './self-teacher.ts';
import { trainsHead } from './student-rows.ts';

type Loop = LoopTrainer<PreparedBatch>;

/** What a trainer is made of, before there is a loop. */
interface Prepared {
  o: ResolvedGkd;
  /** whose parameters are trained: the student, or it with an adapter */
  policy: LogitPolicy;
  adapter: LoraAdapter | undefined;
  self: SelfTeacher | undefined;
  batches: DistillBatches;
  setup: LoopSetup<PreparedBatch>;
}

/**
 * Trains a student on a teacher's distributions; disposing it disposes the trained parameters too, not the teacher.
 * @example
 * const teacher = modelTeacher(large, largeParams, tokenizer);
 * const options = { student, params, tokenizer, teacher, prompts, divergence: 'fkl', maxNewTokens: 64 } as const;
 * using trainer = new GkdTrainer({ ...options, batchSize: 16, learningRate: 1e-4, seed: 0 });
 * for await (const { step, loss, acceptance } of trainer.train({ steps: 500 })) console.log(step, loss, acceptance);
 */
export class GkdTrainer implements Trainer<GkdStep> {
  /** as given, with the defaults */
  readonly options: ResolvedGkd;
  /** what `params` are the parameters of: the student, with `lora` the student and its adapter */
  readonly policy: LogitPolicy;
  readonly #prepared: Prepared;
  readonly #loop: Loop;

  /** @throws ConfigError, DataError for options and rows that do not go together; nothing that was allocated stays */
  constructor(options: GkdOptions);
  /** @internal a loop that was resumed */
  constructor(options: GkdOptions, prepared: Prepared, loop: Loop);
  constructor(
    options: GkdOptions,
    prepared = prepare(options),
    loop = orFree(
      () => new LoopTrainer(prepared.setup),
      () => release(prepared),
    ),
  ) {
    this.options = prepared.o;
    this.policy = prepared.policy;
    this.#prepared = prepared;
    this.#loop = loop;
  }

  /**
   * Goes on with a saved run: its next steps are those that the uninterrupted run would have had.
   * @param from a run's folder, or one of its checkpoints
   * @param options those of the run; `params` only give the structure (with `lora` they are the student's weights)
   * @throws CheckpointError where there is no valid checkpoint, or an option differs (it is named)
   */
  static async resume(
    from: string,
    options: GkdOptions,
    o: { warn?: (message: string) => void } = {},
  ): Promise<GkdTrainer> {
    const prepared = prepare(options);
    try {
      return new GkdTrainer(options, prepared, await LoopTrainer.resume(from, prepared.setup, o));
    } catch (error) {
      release(prepared);
      throw error;
    }
  }

  /** Variables; the trainer owns them. With `lora` they are the adapter's. */
  get params(): Params {
    return this.#loop.params;
  }

  /** The adapter that is trained, with the values as they are now; undefined without `lora`. */
  get adapter(): LoraAdapter | undefined {
    const { adapter } = this.#prepared;
    return adapter && { ...adapter, params: this.params };
  }

  /** Steps done. */
  get step(): number {
    return this.#loop.step;
  }

  /** Why the last `train` ended; undefined before that, and when the caller left the loop. */
  get stopReason(): StopReason | undefined {
    return this.#loop.stopReason;
  }

  /**
   * Trains until `steps` steps are done in all, or the signal asks to stop: the step that is being sampled is then left
   * out whole.
   * @throws NumericalError where teacher or loss is not finite, DataError where no completion has a token
   */
  async *train(request: TrainRequest): AsyncGenerator<GkdStep, void, undefined> {
    const { batches, o } = this.#prepared;
    for await (const row of this.#loop.train(request)) {
      const { source, lambda, studentShare, replayShare, reward, unread, samples, totals } = batches;
      const { tokensPerSecond: _, ...metrics } = row as TrainStep;
      yield {
        ...metrics,
        ...{ source, lambda, studentShare, tokens: totals.tokens, samples },
        ...(reward !== undefined && { reward }),
        ...(replayShare !== undefined && { replayShare }),
        ...(unread !== undefined && { unread }),
        ...((o.temperature !== 1 || o.teacherMix > 0) && lambda > 0 && { offPolicySampling: true }),
      } as unknown as GkdStep;
    }
  }

  /** Drains `train`; returns the last step. */
  async run(request: TrainRequest): Promise<GkdStep | undefined> {
    let last: GkdStep | undefined;
    for await (const step of this.train(request)) last = step;
    return last;
  }

  /** Writes a checkpoint with all that is needed to continue. */
  save(dir: string): Promise<void> {
    return this.#loop.save(dir);
  }

  /** Frees parameters and optimiser state; safe to call twice. */
  dispose(): void {
    this.#loop.dispose();
    release(this.#prepared);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function release({ batches, adapter, self }: Prepared): void {
  batches.dispose();
  self?.dispose();
  if (adapter !== undefined) disposeAdapter(adapter);
}

/** What `make` gives; where it throws, `free` is called first. */
function orFree<T>(make: () => T, free: () => void): T {
  try {
    return make();
  } catch (error) {
    free();
    throw error;
  }
}

function prepare(options: GkdOptions): Prepared {
  const o = resolveGkd(options);
  const config = described(o.student).config;
  const padId = config?.padId ?? o.tokenizer.special.pad ?? 0;
  const base = o.student as LanguageModel;
  if (o.lora !== undefined && base.config?.layers === undefined)
    throw new ConfigError({ where: 'lora', what: 'this student has no layers to adapt', fix: 'Train it whole' });
  // rows are read before anything is allocated
  const sourcesOf = (given: ResolvedGkd, policy: LogitPolicy): Sources => ({
    batches: new DistillBatches(given, policy, padId),
    evaluate: heldOutEvaluation(given, policy, padId),
  });
  const sources = sourcesOf(o, o.student);
  const whole = (policy: LogitPolicy, adapter: LoraAdapter | undefined, params: Params): Prepared => {
    if (o.selfTeacher === undefined)
      return assemble(o, policy, adapter, adapter === undefined ? sources : sourcesOf(o, policy), params);
    const self = new SelfTeacher(policy, params, o.tokenizer, o.selfTeacher, o);
    const taught = { ...o, teacher: self.teacher };
    return orFree(
      () => assemble(taught, policy, adapter, sourcesOf(taught, policy), params, self),
      () => self.dispose(),
    );
  };
  if (o.lora === undefined) return whole(o.student, undefined, o.params);
  const adapter = createLora(base.config, o.params, o.lora, rng(o.seed).split('lora'));
  return orFree(
    () => whole(adaptedModel(base, o.params, adapter), adapter, adapter.params),
    () => disposeAdapter(adapter),
  );
}

/** Where a step's rows come from, and what an evaluation does. */
interface Sources {
  batches: DistillBatches;
  evaluate: ReturnType<typeof heldOutEvaluation>;
}

function assemble(
  o: ResolvedGkd,
  policy: LogitPolicy,
  adapter: LoraAdapter | undefined,
  { batches, evaluate }: Sources,
  params: Params,
  self?: SelfTeacher,
): Prepared {
  const { learningRate, optimizer, batchSize, accumulate, maxGradNorm, precision, logEvery, out, seed } = o;
  const { checkpointEvery, keepCheckpoints, evalEvery, earlyStop, keepBest } = o;
  const given = { maxGradNorm, logEvery, out, checkpointEvery, keepCheckpoints, evalEvery, earlyStop, keepBest };
  let [head, step]: [boolean | undefined, number] = [undefined, 0];
  const observed =
    (run: NonNullable<typeof evaluate>) =>
    async (p: Params): Promise<HeldOutMetrics> => {
      const found = await run(p);
      // not the evaluation at the end of a run that may go on
      if (evalEvery !== undefined && step % evalEvery === 0) batches.observe(found.loss);
      return found;
    };
  let saved: object | undefined;
  const setup: LoopSetup<PreparedBatch> = {
    params,
    batches,
    prepare: async (context) => {
      step = context.step + 1;
      await stoppedBy(context.signal, `GkdTrainer, step ${step}`, () => batches.prepare(context));
      // last, so that a step that is stopped while it is prepared leaves it as it was
      self?.follow(context.params);
    },
    ...(self && { trees: { selfTeacher: self.params } }),
    loss: (p, batch) => {
      head ??= trainsHead(policy, p);
      return gkdLoss({ o, student: policy, trainsHead: head }, p, batch);
    },
    options: {
      ...{ learningRate, optimizer, batchSize, accumulate, precision, seed, keepBest: evaluate !== undefined },
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    },
    // when it is saved or resumed: it reads every row
    get config() {
      saved ??= savedConfig(o);
      return saved;
    },
    ...(evaluate && { evaluate: observed(evaluate) }),
  };
  return { o, policy, adapter, self, batches, setup };
}

/** Names of the rows and of who judges them: others of the same number are another run. */
function rowsRead(o: ResolvedGkd): object {
  const { prompts, heldOut, offPolicy, auxiliary } = o;
  const data = offPolicy?.source === 'dataset' ? offPolicy.data : undefined;
  return {
    prompts: rowsName(prompts),
    ...(heldOut && { heldOut: rowsName(heldOut) }),
    ...(data && { data: rowsName(data) }),
    ...(auxiliary && { auxiliary: rowsName(auxiliary.data) }),
    ...(o.teacherPrompt && { teacherPrompt: teacherPromptsName(o) }),
    // an average of the student changes with each step
    teachers: o.selfTeacher === undefined ? teacherNames(o) : 'self',
  };
}

/** What else decides the numbers. */
function savedConfig(o: ResolvedGkd): object {
  const { divergence, lambda, offPolicy, reward, auxiliary, prompts, teacher } = o;
  const { mixing, reduction, temperature, maxNewTokens, teacherTopK, futureDiscount, alignment, alignVocab, lora } = o;
  const { teacherTemperature, studentTemperature, teacherMix, mixWeights, replay, adaptiveLambda } = o;
  const several = teacher !== undefined && !('score' in teacher && typeof teacher.score === 'function');
  return {
    ...{
      mixing,
      reduction,
      temperature,
      teacherTemperature,
      studentTemperature,
      maxNewTokens,
      futureDiscount,
      teacherMix,
      mixWeights,
    },
    ...{ alignment, alignVocab, teacherTopK: teacherTopK ?? null, lora: lora ?? null, prompts: prompts.length },
    divergence: isOwn(divergence) ? divergence : divergenceName(divergence),
    lambda: typeof lambda === 'number' ? lambda : 'schedule',
    offPolicy: offPolicy && {
      source: offPolicy.source,
      rows: offPolicy.source === 'dataset' ? (offPolicy.data?.length ?? null) : null,
      temperature: offPolicy.source === 'teacher' ? samplingTemperature(offPolicy.greedy, offPolicy.temperature) : null,
    },
    reward: reward && { alpha: reward.alpha, samplesPerPrompt: reward.samplesPerPrompt },
    auxiliary: auxiliary && { rows: auxiliary.data.length, weight: auxiliary.weight },
    ...(replay && { replay: { ...replay, fresh: typeof replay.fresh === 'number' ? replay.fresh : 'schedule' } }),
    ...(adaptiveLambda && { adaptiveLambda }),
    ...(o.selfTeacher && { selfTeacher: o.selfTeacher }),
    ...(o.packing && { packing: true }),
    ...(o.topKOf === 'student' && { topKOf: o.topKOf }),
    ...(o.ignoreTokens && { ignoreTokens: o.ignoreTokens }),
    teachers: several ? Object.keys(teacher) : null,
    rows: rowsRead(o),
  };
}

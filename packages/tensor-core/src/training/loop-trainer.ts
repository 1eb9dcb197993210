/**
 * The training loop: batches → loss and gradients → clipping → optimiser, with evaluation, checkpoints, metrics and a
 * guard against NaN around it. Every trainer whose step is one update by one loss is this loop.
 *
 * A step runs in scopes and keeps only parameters, optimiser state and the numbers it yields. Values are read back only
 * for steps that are logged (`logEvery`). A NaN in a logged step is found before the parameters are changed.
 */

import { div, memory, type Scalar, scalar } from '@tensorflow/tfjs-core';
import type { CheckpointContent } from '../checkpoint/content.ts';
import { checkVersion } from '../checkpoint/version-match.ts';
import type { Trainer, TrainRequest } from '../contracts/trainer.ts';
import { ConfigError, type NumericalError } from '../errors.ts';
import { eventTurn } from '../events/event-turn.ts';
import { clipScale, treeNorm } from '../optim/clip.ts';
import { createOptimizer } from '../optim/create-optimizer.ts';
import type { Optimizer, OptimizerState } from '../optim/optimizer.ts';
import { requireOptions } from '../options/checks.ts';
import { withPrecision } from '../precision/with-precision.ts';
import { type Rng, rng } from '../random/rng.ts';
import { scheduleAt } from '../schedules/schedules.ts';
import { disposeTree, variables } from '../tree/memory.ts';
import type { Params } from '../tree/params.ts';
import { version } from '../version.ts';
import { type EvaluationState, Evaluations } from './evaluations.ts';
import { checkFolder, checkRequest, disposedTrainer, openRun } from './frame.ts';
import { type ResolvedLoopOptions, resolveLoopOptions, resumableConfig } from './loop-options.ts';
import type { LoopSetup, StopReason, TrainStep } from './loop-setup.ts';
import { disposeSums, type LossContext, type SummedGradients, scoped, sumGradients } from './loss.ts';
import { Meter } from './meter.ts';
import { checkFinite, explainNonFinite, nonFiniteStep } from './non-finite.ts';
import { restoreTrees } from './restore-trees.ts';
import { type ExtraFiles, type RunFiles, storage } from './storage.ts';

/** What a checkpoint holds besides tensors. */
interface LoopState {
  batches: unknown;
  evaluations: EvaluationState;
  learningRate: number;
}

/**
 * The training loop of every trainer whose step is one update of one tree by one loss: batches, gradients, accumulation,
 * clipping, optimiser, evaluation, checkpoints. Batches may be made as it goes, in the setup's `prepare`; a step of
 * another kind (several updates, optimisers or networks) is a `RunTrainer`'s.
 * One trainer is one run; resumed, it gives the numbers of the run that was never stopped. Owns its parameters and its
 * optimiser state until `dispose()`.
 */
export class LoopTrainer<B> implements Trainer<TrainStep> {
  /** variables; the trainer owns them */
  readonly params: Params;
  /** all options, defaults included: saved with the run */
  readonly options: ResolvedLoopOptions;
  readonly #setup: LoopSetup<B>;
  readonly #optimizer: Optimizer;
  readonly #state: OptimizerState;
  readonly #evaluations: Evaluations;
  readonly #rng: Rng;
  #step = 0;
  #savedStep: number | undefined;
  #lastSaved: string | undefined;
  /** of the latest `train` */
  #files: RunFiles | undefined;
  #started = false;
  #training = false;
  #left = false; // `train` stands at its yield
  #disposed = false;
  #stopReason: StopReason | undefined;

  /** @throws ConfigError for options that make no sense, BackendError for bf16 where there is none; nothing is allocated then */
  constructor(setup: LoopSetup<B>) {
    requireOptions('trainer', setup);
    this.options = resolveLoopOptions(setup.options, setup.evaluate !== undefined);
    if (this.options.out !== undefined) storage('out').check(this.options.out);
    checkTrees(setup.trees);
    withPrecision(this.options.precision, () => {}); // refused here rather than at the first step
    this.#setup = setup;
    this.#rng = rng(this.options.seed).split('loss');
    this.#evaluations = new Evaluations(this.options.earlyStop);
    this.#optimizer = createOptimizer(this.options.optimizer);
    this.params = variables(setup.params);
    this.#state = this.#optimizer.init(this.params);
  }

  /**
   * Continues a saved run: the next losses are those that the uninterrupted run would have had.
   * @param from a run's folder, a folder of checkpoints (the newest valid one is taken), or one checkpoint
   * @param setup as for the run; its `params` only give the structure
   * @param o.warn told about checkpoints that were passed over
   * @throws CheckpointError where there is no valid checkpoint, or it is of another configuration (the option is named)
   * or of another major version of the library
   */
  static async resume<B>(
    from: string,
    setup: LoopSetup<B>,
    o: { warn?: (message: string) => void } = {},
  ): Promise<LoopTrainer<B>> {
    const trainer = new LoopTrainer(setup);
    try {
      const saved = await storage('resume').load(from, { ...o, config: trainer.#config() });
      checkVersion(saved.version, saved.path);
      await restoreTrees(saved, trainer.#trees());
      const { batches, evaluations } = saved.state as LoopState;
      setup.batches.restore(batches);
      trainer.#evaluations.restore(evaluations);
      trainer.#step = saved.step;
      trainer.#lastSaved = saved.path;
      trainer.#started = true;
      return trainer;
    } catch (error) {
      trainer.dispose();
      throw error;
    }
  }

  /** Updates done. */
  get step(): number {
    return this.#step;
  }

  /** Why the last `train` ended; undefined before that, and when the caller left the loop. */
  get stopReason(): StopReason | undefined {
    return this.#stopReason;
  }

  /** The best evaluation so far. */
  get best(): { readonly step: number; readonly loss: number } | null {
    return this.#evaluations.best;
  }

  /**
   * Trains until `steps` updates are done in all, then evaluates and saves; or until the signal asks to stop or the caller
   * leaves the loop, then saves without an evaluation. Saves are made with `out` only. A step that is not logged
   * (`logEvery`) is not yielded.
   * @throws NumericalError when a loss or gradient is not finite: it names the step and where the NaN came from; the
   * parameters are those before that step if every step is logged. Parameters that are not finite are never
   * saved, nor handed over at the end
   */
  async *train(request: TrainRequest): AsyncGenerator<TrainStep, void, undefined> {
    checkRequest('train', request, { disposed: this.#disposed, training: this.#training });
    const { steps, signal } = request;
    // before anything is waited for: a second call at the same time would see none
    this.#training = true;
    this.#stopReason = undefined;
    const meter = new Meter();
    let files: RunFiles | undefined;
    try {
      files = await this.#open();
      this.#files = files;
      // resumed, a run that its evaluations have ended would otherwise train for another round of them
      let stop: StopReason | undefined = this.#evaluations.isOver ? 'early' : this.#step >= steps ? 'steps' : undefined;
      while (stop === undefined) {
        if (this.#disposed) throw disposedTrainer('train');
        await eventTurn();
        if (signal?.aborted) {
          stop = 'signal';
          break;
        }
        const last = this.#step + 1 >= steps;
        const { evalEvery, logEvery, checkpointEvery, keepBest } = this.options;
        const evaluates = this.#setup.evaluate !== undefined && (last || isDue(this.#step + 1, evalEvery));
        const logs = evaluates || last || isDue(this.#step + 1, logEvery);
        meter.start(); // what a step takes begins with what it is prepared from
        if (!(await this.#prepare(signal))) {
          stop = 'signal';
          break;
        }
        const row = await this.#update(meter, steps, logs);
        const evaluation = evaluates ? await this.#evaluate() : undefined;
        if (evaluation?.stop) stop = 'early';
        else if (last) stop = 'steps';
        const metrics = row && { ...row, ...evaluation?.metrics };
        // logged before it is saved: a kill in between costs a checkpoint, not a line of the log
        if (metrics !== undefined) await files?.log(this.#step, metrics);
        const saves = stop !== undefined || isDue(this.#step, checkpointEvery) || (evaluation?.isBest && keepBest);
        if (files !== undefined && saves) await this.#checkpoint(files);
        if (metrics === undefined) continue;
        this.#left = true;
        yield { step: this.#step, ...metrics } as TrainStep;
        this.#left = false;
      }
      if (files === undefined) await checkFinite(this.params, this.#step, this.#lastSaved, naming);
      else if (this.#savedStep !== this.#step) await this.#checkpoint(files);
      this.#stopReason = stop;
    } finally {
      const left = this.#left;
      [this.#training, this.#left] = [false, false];
      try {
        if (left && files !== undefined && !this.#disposed && this.#savedStep !== this.#step)
          await this.#checkpoint(files);
      } finally {
        await files?.close();
      }
    }
  }

  /** Drains `train`; returns the last logged step. */
  async run(request: TrainRequest): Promise<TrainStep | undefined> {
    let last: TrainStep | undefined;
    for await (const step of this.train(request)) last = step;
    return last;
  }

  /**
   * Writes a checkpoint at exactly this path; one that stands there is replaced when the new one is complete.
   * @throws NumericalError for parameters that are not finite, before anything is written
   */
  async save(dir: string): Promise<void> {
    if (this.#disposed) throw disposedTrainer('save');
    checkFolder('save', dir);
    await checkFinite(this.params, this.#step, this.#lastSaved, naming);
    await storage('save').write(dir, this.#content(), this.#extraFiles());
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#left) this.#files?.release(); // what is under way still writes, and releases when it ends
    disposeTree(this.params);
    disposeTree(this.#state);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @returns whether it was not stopped meanwhile */
  async #prepare(signal: AbortSignal | undefined): Promise<boolean> {
    const { prepare, batches } = this.#setup;
    if (prepare === undefined) return true;
    const position = batches.state();
    try {
      await prepare({ step: this.#step, params: this.params, optimizerState: this.#state as Params, signal });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ERR_STOPPED') throw error;
      batches.restore(position);
      return false;
    }
    return true;
  }

  /** One update. Returns the metrics of a step that is logged. */
  async #update(meter: Meter, steps: number, logs: boolean): Promise<Record<string, number> | undefined> {
    const rate = this.#learningRate();
    // only a step that is logged may have to be done again
    const position = logs ? this.#setup.batches.state() : undefined;
    const sums = this.#sumGradients();
    const { weight, grads } = sums;
    const { norm, scale } = this.#scaleOf(sums, logs);
    let metrics: Record<string, number> | undefined;
    try {
      if (logs && norm !== undefined) {
        const loss = (await read(sums.sum)) / weight;
        const gradNorm = (await read(norm)) / weight;
        if (!Number.isFinite(loss + gradNorm)) throw await this.#nonFinite(loss, gradNorm, grads, position);
        metrics = { loss, learningRate: rate, gradNorm, tokens: weight };
        for (const [name, m] of Object.entries(sums.metrics)) {
          metrics[name] = (typeof m === 'number' ? m : await read(m)) / weight;
        }
      }
      this.#optimizer.update(this.params, grads, this.#state, rate, { gradientScale: scale });
    } finally {
      disposeSums(sums);
      norm?.dispose();
      scale.dispose();
    }
    this.#step++;
    meter.lap(weight);
    if (metrics === undefined) return undefined;
    const { numTensors, numBytes } = memory();
    return { ...metrics, ...meter.read(steps - this.#step), tensors: numTensors, memoryBytes: numBytes };
  }

  #learningRate(): number {
    const rate = scheduleAt(this.options.learningRate, this.#step);
    if (rate >= 0 && Number.isFinite(rate)) return rate;
    throw new ConfigError({
      where: 'learningRate',
      what: `the schedule’s value at step ${this.#step}`,
      got: rate,
      wanted: 'a number ≥ 0',
    });
  }

  #sumGradients(): SummedGradients {
    const { accumulate, precision } = this.options;
    const stream = (): Rng => this.#rng.split(this.#step);
    const next = (i: number): { batch: B; context: LossContext } => ({
      batch: this.#setup.batches.next(),
      context: this.#context(() => stream().split(i)),
    });
    return withPrecision(precision, () => sumGradients(this.params, this.#setup.loss, accumulate, next));
  }

  #context(stream: () => Rng): LossContext {
    let made: Rng | undefined;
    return {
      // most losses draw nothing: the stream is made when it is asked for
      get rng(): Rng {
        made ??= stream();
        return made;
      },
      step: this.#step,
      training: true,
      gradientCheckpointing: this.options.gradientCheckpointing,
    };
  }

  /** What the summed gradients are to be multiplied with (mean, clipping), and their norm where it is needed. */
  #scaleOf({ weight, grads }: SummedGradients, logs: boolean): { norm?: Scalar; scale: Scalar } {
    const { maxGradNorm } = this.options;
    if (maxGradNorm === undefined) return { ...(logs && { norm: treeNorm(grads) }), scale: scalar(1 / weight) };
    const norm = treeNorm(grads);
    // the mean's gradient is 1/weight of the sum's, so its norm is at most max where the sum's is at most max·weight
    const scale = scoped(() => div<Scalar>(clipScale(norm, maxGradNorm * weight, 1e-6 * weight), weight));
    return { norm, scale };
  }

  async #evaluate(): Promise<{ metrics: Record<string, number>; isBest: boolean; stop: boolean } | undefined> {
    const result = await this.#setup.evaluate?.(this.params);
    if (result === undefined) return undefined;
    // perplexity → evalPerplexity
    const metrics = Object.fromEntries(
      Object.entries(result).map(([name, value]) => [`eval${name.charAt(0).toUpperCase()}${name.slice(1)}`, value]),
    );
    return { metrics, ...this.#evaluations.add(this.#step, result.loss) };
  }

  async #nonFinite(loss: number, norm: number, grads: Params, position: unknown): Promise<NumericalError> {
    this.#setup.batches.restore(position); // the same batches once more
    const cause = await explainNonFinite(this.params, grads, () => disposeSums(this.#sumGradients()));
    return nonFiniteStep({ loss, norm, step: this.#step + 1, cause, lastSaved: this.#lastSaved });
  }

  async #open(): Promise<RunFiles | undefined> {
    const { out, keepBest, keepCheckpoints } = this.options;
    const files = await openRun(out, {
      resumeAt: this.#started ? this.#step : undefined,
      config: () => this.#config(),
      keep: { latest: keepCheckpoints, best: keepBest },
    });
    this.#started = true;
    return files;
  }

  async #checkpoint(files: RunFiles): Promise<void> {
    await checkFinite(this.params, this.#step, this.#lastSaved, naming);
    this.#lastSaved = await files.checkpoint(this.#content(), this.#extraFiles());
    this.#savedStep = this.#step;
  }

  #extraFiles(): ExtraFiles | undefined {
    const { saveModel } = this.#setup;
    return saveModel && ((folder) => saveModel(`${folder}/model`, this.params));
  }

  #trees(): Record<string, Params> {
    return { params: this.params, optimizer: this.#state, ...this.#setup.trees };
  }

  #config(): object {
    return resumableConfig(this.options, this.#setup.config);
  }

  #content(): CheckpointContent {
    const state: LoopState = {
      batches: this.#setup.batches.state(),
      evaluations: this.#evaluations.state(),
      learningRate: scheduleAt(this.options.learningRate, this.#step),
    };
    const { last } = this.#evaluations;
    return {
      step: this.#step,
      ...(last?.step === this.#step && last.loss !== null && { loss: last.loss }),
      trees: this.#trees(),
      state,
      config: this.#config(),
      version,
    };
  }
}

/** Names of a checkpoint's files that are the loop's own. */
function checkTrees(trees: LoopSetup<unknown>['trees'] = {}): void {
  for (const name of ['params', 'optimizer']) {
    if (!Object.hasOwn(trees, name)) continue;
    throw new ConfigError({
      where: `trees.${name}`,
      what: 'the loop saves a tree of this name itself',
      fix: 'Give it another name',
    });
  }
}

const naming = 'With logEvery: 1 the step and the op are named';

/** After every so many steps. */
const isDue = (step: number, every: number | undefined): boolean => every !== undefined && step % every === 0;

const read = async (t: Scalar): Promise<number> => (await t.data())[0] as number;

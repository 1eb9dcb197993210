/** What a trainer gives the training loop, and what the loop gives back. */
import type { LoopOptions } from '../contracts/loop.ts';
import type { TrainerStep } from '../contracts/trainer.ts';
import type { Params } from '../tree/params.ts';
import type { BatchSource } from './batch-source.ts';
import type { Loss } from './loss.ts';

/** One logged step; every field but `step` is a metric. */
export interface TrainStep extends TrainerStep {
  readonly step: number;
  /** mean over the targets of all micro-batches */
  readonly loss: number;
  /** of this update */
  readonly learningRate: number;
  /** global norm of the mean loss's gradient, before clipping */
  readonly gradNorm: number;
  /** the sum of the losses' weights: target tokens of this update */
  readonly tokens: number;
  /** updates per second, over the last twenty */
  readonly stepsPerSecond: number;
  /** target tokens per second, over the last twenty updates */
  readonly tokensPerSecond: number;
  /** until the last step, without evaluations and saves */
  readonly secondsLeft: number;
  /** count of the tensors alive after the step */
  readonly tensors: number;
  /** bytes of the tensors alive after the step */
  readonly memoryBytes: number;
  /** metrics of the loss under their own names; those of an evaluation as evalLoss, evalPerplexity, … */
  readonly [metric: string]: number;
}

/** Why `train` ended. */
export type StopReason = 'steps' | 'signal' | 'early';

/** What an update is prepared with. */
export interface PrepareContext {
  /** updates done */
  readonly step: number;
  /** as they are before the update; the loop's */
  readonly params: Params;
  /** the optimiser's state; the loop's */
  readonly optimizerState: Params;
  /** asks to stop */
  readonly signal: AbortSignal | undefined;
}

/** What a trainer gives the loop. */
export interface LoopSetup<B> {
  /** not kept: the trainer owns variables with the same values (nothing is copied until they change) */
  params: Params;
  /** of a micro-batch */
  loss: Loss<B>;
  /** where micro-batches come from */
  batches: BatchSource<B>;
  /**
   * Called before each update, for what takes a while or is computed with the parameters as they are: samples to learn
   * from, which `batches` then gives. A StoppedError from it ends the training as a signal does: `batches` go back to
   * where they stood, the run is saved. Any other error is the caller's, nothing is saved, and `batches` stay where they
   * are.
   */
  prepare?: (context: PrepareContext) => Promise<void>;
  /**
   * further variables that the numbers depend on (a reference, an average), by the name of their file: saved and restored
   * with the parameters, in place; not disposed, and not looked at for NaN. `params` and `optimizer` are the loop's
   */
  trees?: Readonly<Record<string, Params>>;
  /** held-out loss (`loss` decides which checkpoint is best) and whatever else is to be logged */
  evaluate?: (params: Params) => Promise<{ loss: number; [metric: string]: number }>;
  /** of the loop */
  options: LoopOptions;
  /** what else decides the numbers (the model): compared when the run is resumed */
  config?: unknown;
  /** writes a model that others can load into the folder `model` of every checkpoint */
  saveModel?: (folder: string, params: Params) => Promise<void>;
}

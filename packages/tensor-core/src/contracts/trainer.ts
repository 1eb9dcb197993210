/** A flat record of one step: every numeric field but `step` is a logged metric. */
export interface TrainerStep {
  /** counts from 1: the number of updates done */
  readonly step: number;
}

/** How far to train. */
export interface TrainRequest {
  /** the step to reach, counted from the start of the run: a resumed run goes on until there */
  steps: number;
  /** stops at a step boundary and leaves a valid checkpoint */
  signal?: AbortSignal;
}

/**
 * What every trainer can do. A class adds `static resume(dir, options)` that continues a saved run.
 *
 * @example
 * for await (const s of trainer.train({ steps: 1000, signal })) console.log(s.step, s.loss);
 */
export interface Trainer<S extends TrainerStep = TrainerStep> extends Disposable {
  /** Yields one step at a time; nothing is computed while the caller does not ask. Leaving the loop is a stop like the signal's. */
  train(request: TrainRequest): AsyncIterableIterator<S>;
  /** Drains `train` and returns the last step. */
  run(request: TrainRequest): Promise<S | undefined>;
  /** Writes a checkpoint with all that is needed to continue. */
  save(dir: string): Promise<void>;
  /** Frees parameters and optimiser state; safe to call twice. */
  dispose(): void;
}

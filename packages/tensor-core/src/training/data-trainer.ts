/**
 * The frame of trainers on data: a loop under the names that every trainer has. The subclass turns its options into the
 * loop's setup, and says what it resumes. (Trainers whose step is no single update are `RunTrainer`.)
 */
import type { Trainer, TrainRequest } from '../contracts/trainer.ts';
import type { Params } from '../tree/params.ts';
import type { StopReason, TrainStep } from './loop-setup.ts';
import type { LoopTrainer } from './loop-trainer.ts';

/** A trainer on batches of data. Owns its copy of the parameters until `dispose()`. */
export abstract class DataTrainer<B, S extends TrainStep = TrainStep> implements Trainer<S> {
  readonly #loop: LoopTrainer<B>;

  /** @param loop new or resumed; the trainer owns it. Its metrics are the fields of `S` */
  protected constructor(loop: LoopTrainer<B>) {
    this.#loop = loop;
  }

  /** The parameters as trained so far, variables; the trainer owns them. */
  get params(): Params {
    return this.#loop.params;
  }

  /** Updates done. */
  get step(): number {
    return this.#loop.step;
  }

  /** Why the last `train` ended; undefined before that, and when the caller left the loop. */
  get stopReason(): StopReason | undefined {
    return this.#loop.stopReason;
  }

  /** The best evaluation so far. */
  get best(): { readonly step: number; readonly loss: number } | null {
    return this.#loop.best;
  }

  /**
   * Yields each logged step's loss and metrics, and evaluations where they are due.
   * @throws NumericalError when a loss or gradient is not finite
   */
  train(request: TrainRequest): AsyncIterableIterator<S> {
    return this.#loop.train(request) as AsyncIterableIterator<TrainStep> as AsyncIterableIterator<S>;
  }

  /** Drains `train`; returns the last logged step. */
  run(request: TrainRequest): Promise<S | undefined> {
    return this.#loop.run(request) as Promise<S | undefined>;
  }

  /**
   * Writes a checkpoint with all that is needed to continue; where the trainer's model can be written, the folder `model`
   * in it is one that transformers opens.
   * @throws NumericalError for parameters that are not finite, before anything is written
   */
  save(dir: string): Promise<void> {
    return this.#loop.save(dir);
  }

  /** Frees parameters and optimiser state; safe to call twice. */
  dispose(): void {
    this.#loop.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

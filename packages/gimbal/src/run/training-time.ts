// How long a run was trained: all its parts together, where it was stopped and gone on with.
import type { RunFolder } from './run-folder.ts';

/** Adds up in config.json; what a kill interrupts is not counted. */
export class TrainingTime {
  #seconds: number;

  constructor(private readonly run: Pick<RunFolder, 'config' | 'update'>) {
    this.#seconds = run.config.trainedSeconds ?? 0;
  }

  /** of all parts until now */
  get seconds(): number {
    return this.#seconds;
  }

  /** Counts work from now to its end, also where it throws, as a run does that is stopped. */
  async of<T>(work: Promise<T>): Promise<T> {
    const began = performance.now();
    try {
      return await work;
    } finally {
      this.#seconds += (performance.now() - began) / 1000;
      await this.run.update({ trainedSeconds: this.#seconds });
    }
  }
}

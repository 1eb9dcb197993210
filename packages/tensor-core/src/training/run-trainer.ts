/**
 * The frame of trainers whose step is their own: agents, and policies on tokens, with several updates, optimisers or
 * networks in a step. It refuses what cannot be trained, logs and saves when that is due, stops where it is asked to, and
 * continues what was saved. What a step is, and what of it is to be kept, the subclass says. (A step that is one update
 * of one tree by one loss is `LoopTrainer`'s, also where its data is made in `prepare`; `DataTrainer` is a trainer on it.)
 */

import { checkConfig } from '../checkpoint/config-match.ts';
import type { CheckpointContent, LoadedCheckpoint } from '../checkpoint/content.ts';
import { checkVersion } from '../checkpoint/version-match.ts';
import type { Trainer, TrainerStep, TrainRequest } from '../contracts/trainer.ts';
import { ConfigError, kindOf } from '../errors.ts';
import { eventTurn } from '../events/event-turn.ts';
import { checkCount, requireOptions } from '../options/checks.ts';
import { disposeTree } from '../tree/memory.ts';
import type { Params } from '../tree/params.ts';
import { version } from '../version.ts';
import { checkFolder, checkRequest, disposedTrainer, openRun } from './frame.ts';
import { checkFinite } from './non-finite.ts';
import { restoreTrees } from './restore-trees.ts';
import { type RunFiles, storage } from './storage.ts';

/** Options of the frame. */
export interface RunOptions {
  /** in messages */
  readonly name: string;
  /** folder of the run: metrics.jsonl, TensorBoard events, checkpoints; default none */
  readonly out?: string | undefined;
  /** save each so many steps, beside the end; default at the end only */
  readonly checkpointEvery?: number | undefined;
  /** how many of the latest checkpoints stay, beside the best; default 1 */
  readonly keepCheckpoints?: number | undefined;
}

/** What happened until the next line of the log. */
export interface Advance<S extends TrainerStep> {
  /** the line; numbers are logged, everything is yielded */
  readonly row: Omit<S, 'step'>;
  /** an evaluation in it was the best so far: it is saved */
  readonly isBest?: boolean;
  /** ends the training after this line */
  readonly stop?: boolean;
}

/** What of a trainer a checkpoint holds, beside its trees. */
export interface RunContent {
  /** trees made for this checkpoint: disposed when it is written */
  readonly copies?: Readonly<Record<string, Params>>;
  /** JSON: random streams, positions, counts */
  readonly state: unknown;
  /** what decides which checkpoint is best (the lowest), if there was an evaluation at this step */
  readonly loss?: number;
}

/**
 * A trainer whose step is its own: data made as it goes, several updates, optimisers or networks. Subclasses say what a
 * step is; everything around it is here. Where a step is one update of one tree by one loss, use `LoopTrainer`, which
 * brings the optimiser, clipping, accumulation, evaluation and the search for a NaN's origin; data for it can be made in
 * its `prepare`.
 */
export abstract class RunTrainer<S extends TrainerStep> implements Trainer<S> {
  readonly #run: RunOptions;
  #started = false;
  #training = false;
  #left = false; // `train` stands at its yield
  #disposed = false;
  #lastSaved: string | undefined;
  /** of the latest `train` */
  #files: RunFiles | undefined;

  /** @throws ConfigError for `checkpointEvery` without `out`, and for `out` that is no folder, or in a page */
  protected constructor(run: RunOptions) {
    requireOptions('trainer options', run);
    this.#run = run;
    if (run.keepCheckpoints !== undefined) checkCount('keepCheckpoints', run.keepCheckpoints);
    if (run.out !== undefined) storage('out').check(run.out);
    if (run.checkpointEvery === undefined) return;
    checkCount('checkpointEvery', run.checkpointEvery);
    if (run.out === undefined)
      throw new ConfigError({ where: 'checkpointEvery', what: 'there is nowhere to save', fix: 'Give out, a folder' });
  }

  /** Steps done. */
  abstract get step(): number;

  /** Goes on to the next line of the log, or a part of the way there (undefined). Looks at the signal where it takes long. */
  protected abstract advance(request: TrainRequest): Promise<Advance<S> | undefined>;

  /** What is never saved when it is not finite. */
  protected abstract parameters(): Params;

  /** Trees that the trainer owns, by file name: a resumed run gets its values back into them. */
  protected abstract trees(): Readonly<Record<string, Params>>;

  /** What else is needed to go on. */
  protected abstract content(): RunContent;

  /** JSON: what decides the numbers; a checkpoint of another one is refused. */
  protected abstract config(): object;

  /** Takes back `state`, and trees that were copies; `trees` hold the saved values already. */
  protected abstract restoreState(saved: LoadedCheckpoint): void | Promise<void>;

  /** Frees what the trainer owns; called once. */
  protected abstract free(): void;

  /** False where an update failed and is to be made again: a `train` that ends before that saves nothing. */
  protected get isWhole(): boolean {
    return true;
  }

  /** Refuses a number of steps, before anything is done. */
  protected checkSteps(_steps: number): void {}

  /** Before the first step of every `train`. */
  protected async begin(): Promise<void> {}

  /**
   * Trains until `steps` steps are done in all; a signal stops it between two, as leaving the loop does, and what was done
   * is saved (with `out`).
   * @throws NumericalError where parameters that are not finite would be saved, or are what the last update left: the last
   * good checkpoint stays
   */
  async *train(request: TrainRequest): AsyncGenerator<S, { aborted: boolean }, undefined> {
    this.#check(request);
    const { steps, signal } = request;
    // before anything is waited for: a second call at the same time would see none
    this.#training = true;
    let files: RunFiles | undefined;
    let [aborted, saved] = [false, -1];
    const save = async (): Promise<void> => {
      const to = files;
      if (to === undefined || saved === this.step) return;
      if (this.#disposed) throw this.#gone('train');
      await this.#write(async (content) => {
        this.#lastSaved = await to.checkpoint(content);
      });
      saved = this.step;
    };
    try {
      files = await this.#open();
      this.#files = files;
      await this.begin();
      while (this.step < steps) {
        if (this.#disposed) throw this.#gone('train');
        await eventTurn();
        if (signal?.aborted) {
          aborted = true;
          break;
        }
        const before = this.step;
        const done = await this.advance(request);
        if (done === undefined) continue;
        const { row, isBest = false, stop = false } = done;
        // logged before it is saved: a kill in between costs a checkpoint, not a line of the log
        await files?.log(this.step, numbersOf(row));
        if (isBest || passes(this.#run.checkpointEvery, before, this.step)) await save();
        this.#left = true;
        yield { step: this.step, ...row } as unknown as S;
        this.#left = false;
        if (stop) break;
      }
      if (this.isWhole) await save();
      // saving looks first; without files the last update is looked at all the same
      if (files === undefined) await checkFinite(this.parameters(), this.step, this.#lastSaved);
      return { aborted };
    } finally {
      const left = this.#left;
      [this.#training, this.#left] = [false, false];
      try {
        if (left && !this.#disposed) await save();
      } finally {
        await files?.close();
      }
    }
  }

  /** Drains `train`; returns the last step. */
  async run(request: TrainRequest): Promise<S | undefined> {
    let last: S | undefined;
    for await (const step of this.train(request)) last = step;
    return last;
  }

  /**
   * Writes all that is needed to go on, at exactly this path; one that stands there is replaced when the new one is
   * complete.
   * @throws NumericalError for parameters that are not finite, before anything is written
   */
  async save(dir: string): Promise<void> {
    if (this.#disposed) throw this.#gone('save');
    checkFolder(`${this.#run.name}, save`, dir);
    await this.#write((content) => storage('save').write(dir, content));
  }

  /** Frees what the trainer owns; safe to call twice. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (this.#left) this.#files?.release(); // what is under way still writes, and releases when it ends
    this.free();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * Takes over what was saved; where that fails the trainer is disposed.
   * @throws CheckpointError naming the option that differs, or for another major version of the library
   */
  protected async restore(saved: LoadedCheckpoint): Promise<this> {
    try {
      checkVersion(saved.version, saved.path);
      checkConfig(saved.config, this.config(), saved.path);
      await restoreTrees(saved, this.trees());
      await this.restoreState(saved);
      this.#started = true;
      this.#lastSaved = saved.path;
      return this;
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  async #open(): Promise<RunFiles | undefined> {
    const { out, keepCheckpoints = 1 } = this.#run;
    const files = await openRun(out, {
      resumeAt: this.#started ? this.step : undefined,
      config: () => this.config(),
      keep: { latest: keepCheckpoints, best: true },
    });
    this.#started = true;
    return files;
  }

  async #write(write: (content: CheckpointContent) => Promise<void>): Promise<void> {
    await checkFinite(this.parameters(), this.step, this.#lastSaved);
    const { copies = {}, state, loss } = this.content();
    try {
      await write({
        step: this.step,
        ...(loss !== undefined && { loss }),
        trees: { ...this.trees(), ...copies },
        state,
        config: this.config(),
        version,
      });
    } finally {
      for (const tree of Object.values(copies)) disposeTree(tree);
    }
  }

  #check(request: TrainRequest): void {
    checkRequest(`${this.#run.name}, train`, request, { disposed: this.#disposed, training: this.#training });
    this.checkSteps(request.steps);
  }

  #gone(what: string): ConfigError {
    return disposedTrainer(`${this.#run.name}, ${what}`);
  }
}

/**
 * Reads a checkpoint, or the newest (best) one of a run's folder.
 * @throws CheckpointError where there is none; ConfigError for what is no path
 */
export async function loadRun(from: string, which: 'latest' | 'best' = 'latest'): Promise<LoadedCheckpoint> {
  if (typeof from !== 'string')
    throw new ConfigError({ where: 'resume', what: 'which run?', got: kindOf(from), fix: 'Give its folder' });
  return storage('resume').load(from, { which });
}

/** Whether a multiple of `every` lies in (before, after]. */
export const passes = (every: number | undefined, before: number, after: number): boolean =>
  every !== undefined && Math.floor(after / every) > Math.floor(before / every);

const numbersOf = (row: object): Record<string, number> =>
  Object.fromEntries(Object.entries(row).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));

/**
 * Rows shared out among worker threads. A worker that dies is replaced: its copies are truncated with the reason, begin
 * new episodes with new seeds, and the run goes on.
 */
import { BackendError, type Obs, type Space } from '@gimbal/tensor-core';
import { copyInto } from '../spaces/value.ts';
import { rowOf, writeReason } from './arrays.ts';
import { command, type ResetPayload, type WorkerSetup } from './protocol.ts';
import type { RowSet } from './row-set.ts';
import type { Rows } from './rows.ts';
import { WorkerRows } from './worker-rows.node.ts';

export interface WorkerPlan {
  setups: readonly WorkerSetup[];
  /** the last copies, where this thread steps a share while the workers step theirs */
  here?: Rows;
  observationSpace: Space;
  /** told of each worker that died and was replaced */
  onRestart?: (event: WorkerRestart) => void;
}

/** A worker that died and was replaced; its copies were reset. */
export interface WorkerRestart {
  /** first copy of the worker, and their number */
  from: number;
  /** number of its copies */
  count: number;
  /** why it died */
  reason: string;
}

/** Give up after so many deaths in one run: something kills every worker. */
const mostRestarts = 20;

export class WorkerRowSet implements RowSet {
  restarts = 0;
  readonly #plan: WorkerPlan;
  readonly #workers: WorkerRows[];
  #isClosed = false;

  private constructor(plan: WorkerPlan, workers: WorkerRows[]) {
    this.#plan = plan;
    this.#workers = workers;
  }

  static async start(plan: WorkerPlan): Promise<WorkerRowSet> {
    const started = await Promise.allSettled(plan.setups.map((setup) => WorkerRows.start(setup)));
    const failed = started.find((s) => s.status === 'rejected');
    const workers = started.flatMap((s) => (s.status === 'fulfilled' ? [s.value] : []));
    if (failed !== undefined) {
      await Promise.all(workers.map((worker) => worker.close()));
      throw failed.reason;
    }
    return new WorkerRowSet(plan, workers);
  }

  /** The threads, for tests that kill one. */
  get workers(): readonly WorkerRows[] {
    return this.#workers;
  }

  async reset(payload: ResetPayload): Promise<void> {
    const { seeds, mask, options } = payload;
    await this.#all(command.reset, () => this.#plan.here?.reset(seeds, mask, options), payload);
  }

  async step(): Promise<void> {
    await this.#all(command.step, () => this.#plan.here?.step());
  }

  save(): Float64Array[] {
    const away = this.#workers.flatMap((worker) => worker.ask(command.save)?.states ?? []);
    return [...away, ...(this.#plan.here?.save() ?? [])];
  }

  load(states: readonly Float64Array[]): void {
    for (const worker of this.#workers) {
      worker.ask(command.load, states.slice(worker.from, worker.from + worker.count));
    }
    const { here } = this.#plan;
    here?.load(states.slice(here.from));
  }

  close(): void {
    this.#isClosed = true;
    for (const worker of this.#workers) void worker.close();
    this.#plan.here?.close();
  }

  async #all(what: number, ownShare: () => void, payload?: ResetPayload): Promise<void> {
    for (const worker of this.#workers) worker.give(what, payload);
    let [failed, error]: [boolean, unknown] = [false, undefined];
    try {
      ownShare();
    } catch (thrown) {
      [failed, error] = [true, thrown]; // after the workers have finished: they must not be left in a step
    }
    const blocking = this.#plan.here !== undefined;
    const results = await Promise.allSettled(this.#workers.map((worker) => worker.finished(blocking)));
    if (failed) throw error;
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason;
      if (!result.value && !this.#isClosed) await this.#replace(i, payload);
    }
  }

  async #replace(index: number, payload: ResetPayload | undefined): Promise<void> {
    const { setups, observationSpace, onRestart } = this.#plan;
    const setup = setups[index] as WorkerSetup;
    const dead = this.#workers[index] as WorkerRows;
    const { from, count, arrays, control } = setup;
    if (++this.restarts > mostRestarts) {
      const what = `workers keep dying (${mostRestarts} replaced)`;
      throw new BackendError({ where: 'VectorEnv', what, got: dead.reason, fix: 'Try workers: 0 to see the error' });
    }
    control.fill(0);
    const { episodeReturn, episodeLength, agentReturn } = arrays;
    const sums = [episodeReturn, episodeLength, agentReturn].map((all) => ({ all, before: all.slice() }));
    const worker = await WorkerRows.start(setup);
    this.#workers[index] = worker;
    for (let row = from; row < from + count; row++) {
      copyInto(rowOf(arrays.finalObs, observationSpace, row), rowOf(arrays.obs, observationSpace, row) as Obs);
    }
    // a reset is repeated as it was asked for; after a step, new episodes begin from seeds no other copy has
    const fresh = Array.from({ length: from + count }, (_, row) => 1_000_003 * this.restarts + row);
    worker.give(command.reset, payload ?? { seeds: fresh, mask: undefined, options: undefined });
    if (!(await worker.finished())) {
      throw new BackendError({ where: 'VectorEnv', what: 'a replaced worker died at once', got: worker.reason });
    }
    if (payload === undefined) {
      // of the episodes that ended with it; the next step begins them anew
      for (const { all, before } of sums) {
        const size = all.length / arrays.truncated.length;
        all.set(before.subarray(from * size, (from + count) * size), from * size);
      }
      for (let row = from; row < from + count; row++) {
        arrays.truncated[row] = 1;
        writeReason(arrays.reason, row, `worker died: ${dead.reason}`);
      }
    }
    onRestart?.({ from, count, reason: dead.reason });
  }
}

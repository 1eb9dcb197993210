/**
 * Completions that the student wrote in earlier steps, to be learned from again: sampling is the dearest part of a step
 * (DistiLLM, arXiv 2402.03898, section 3.2; github.com/jongwooko/distillm, finetune.py). They are no longer what it would
 * write now, but nearer to it than anybody else's. First in, first out.
 */
import { checkShare, type Rng, type Schedule, schedules } from '@gimbal/tensor-core';

/** How earlier completions are used again. */
export interface ReplayOptions {
  /** completions that are kept, the newest; ≥ 1. Until there are so many all are written anew */
  capacity: number;
  /** share of the student's completions that are written anew then, in [0, 1]: a number or a function of the step */
  fresh: Schedule;
}

/** A completion that is kept, in JSON. */
export interface Written {
  /** number of the prompt */
  prompt: number;
  /** ids, the end included where there is one */
  completion: readonly number[];
  ended: boolean;
}

/** What a step takes from where. */
interface ReplayPlan {
  /** places of a step whose completions are to be written */
  fresh: number[];
  /** places whose completions are earlier ones, and these */
  earlier: [place: number, written: Written][];
}

export class ReplayBuffer {
  readonly #o: ReplayOptions;
  readonly #stream: Rng;
  /** entries are never changed */
  #kept: Written[] = [];

  constructor(o: ReplayOptions, stream: Rng) {
    this.#o = o;
    this.#stream = stream;
  }

  /**
   * Which of a step's completions are written anew.
   * @param places that are the student's
   * @param together one coin for all of them
   */
  plan(step: number, places: readonly number[], together: boolean): ReplayPlan {
    const share = schedules.scheduleAt(this.#o.fresh, step);
    checkShare(`replay.fresh, the schedule’s value at step ${step}`, share);
    const plan: ReplayPlan = { fresh: [], earlier: [] };
    const full = this.#kept.length >= this.#o.capacity;
    const coins = this.#stream.split(step);
    const whole = coins.uniform() < share;
    for (const place of places) {
      const anew = together ? whole : coins.uniform() < share;
      if (anew || !full) plan.fresh.push(place);
      else plan.earlier.push([place, this.#kept[Math.floor(coins.uniform() * this.#kept.length)] as Written]);
    }
    return plan;
  }

  /** Keeps completions, and forgets the oldest beyond the capacity. */
  add(written: readonly Written[]): void {
    this.#kept = [...this.#kept, ...written].slice(-this.#o.capacity);
  }

  state(): readonly Written[] {
    return this.#kept;
  }

  restore(state: unknown): void {
    this.#kept = [...(state as readonly Written[])];
  }
}

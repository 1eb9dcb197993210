/** What a solver keeps of a batch of games: made once, changed in place by every step. */
import type { GameBatch } from '../games/game-batch.ts';
import { isComplementary, logOf, softmaxAt } from '../internal/vectors.ts';
import type { SolverArrays } from './solver-arrays.ts';
import { checkRegularisation, type ResolvedSolver, stepSizesInto } from './solver-options.ts';
import { updates } from './updates.ts';

export class SolverState implements SolverArrays {
  readonly n: number;
  readonly p: Float64Array;
  readonly complementary: boolean;
  readonly tau: Float64Array;
  readonly eta: Float64Array;
  readonly x: Float64Array;
  readonly magnet: Float64Array;
  readonly memory: Float64Array;
  readonly opponent: Float64Array;
  readonly values: Float64Array;
  readonly half: Float64Array;
  /** π_0 + … + π_t, `[G·n]`; undefined if nobody asked for averages */
  readonly #total: Float64Array | undefined;
  readonly #count: number;
  #t = 0;

  /** @param init π_0 `[G·n]`, with the support of the reference */
  constructor(
    batch: GameBatch,
    readonly options: ResolvedSolver,
    init: Float64Array,
    keepAverage: boolean,
  ) {
    for (const tau of batch.tau) checkRegularisation(options, tau);
    this.#count = batch.count;
    this.n = batch.n;
    this.p = batch.p;
    this.complementary = isComplementary(batch.p, batch.n);
    this.tau = batch.tau;
    this.eta = new Float64Array(batch.count);
    this.x = init.map(logOf);
    this.magnet = batch.ref.map(logOf);
    this.memory = this.x.slice();
    [this.opponent, this.values, this.half] = [init.slice(), init.slice(), init.slice()];
    this.#total = keepAverage ? init.slice() : undefined;
  }

  /** Steps taken. */
  get t(): number {
    return this.#t;
  }

  /** Takes one step in every game; allocates nothing. */
  step(): void {
    const update = updates[this.options.name];
    stepSizesInto(this.options, this.#t, this.tau, this.eta);
    for (let g = 0; g < this.#count; g++) update(this, g, this.#t, this.options);
    this.#t++;
    if (this.#total === undefined) return;
    this.policiesInto(this.half);
    for (let i = 0; i < this.half.length; i++) this.#total[i] = (this.#total[i] as number) + (this.half[i] as number);
  }

  /** π_t of every game, `[G·n]`. */
  policiesInto(out: Float64Array): Float64Array {
    out.set(this.x); // softmaxAt shifts its argument: whoever looks leaves no trace
    for (let g = 0; g < this.#count; g++) softmaxAt(out, g * this.n, this.n, out, g * this.n);
    return out;
  }

  /** The mean of π_0 … π_t of every game, a new array `[G·n]`. */
  averages(): Float64Array {
    return (this.#total as Float64Array).map((v) => v / (this.#t + 1));
  }
}

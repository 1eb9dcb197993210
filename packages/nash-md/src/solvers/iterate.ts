/** One game, step by step: what a curve is drawn from. */
import { checkCount, DataError, StoppedError } from '@gimbal/tensor-core';
import { stackGames } from '../games/game-batch.ts';
import { checkGame, checkSupport, type RegularizedGame } from '../games/regularized-game.ts';
import { exploited, gapOf, klDivergence } from '../measures/measures.ts';
import { checkRegularisation, checkSolverOptions, resolveSolver, type SolverOptions } from './solver-options.ts';
import { SolverState } from './solver-state.ts';

/** A solver, and how to run it on one game. */
export interface IterateOptions extends SolverOptions {
  /** steps to take */
  steps: number;
  /** π_0 `[n]`, positive where μ is and 0 where μ is 0; default μ */
  init?: Float64Array;
  /** yield every so many steps, and after the last; default 1 */
  every?: number;
  /** π* `[n]`, for `klToExact` */
  exact?: Float64Array;
  /** stops it between two steps */
  signal?: AbortSignal;
}

/** The state after t steps. */
export interface TabularStep {
  /** steps taken; the first record, t = 0, is of π_0 */
  t: number;
  /** π_t `[n]`; the caller's */
  policy: Float64Array;
  /** the mean of π_0 … π_t `[n]`; the caller's */
  average: Float64Array;
  /** regularised duality gap of π_t */
  gap: number;
  /** max_y P(y ≻ π_t) − ½, unregularised */
  exploitability: number;
  /** KL(π*‖π_t), if `exact` was given */
  klToExact?: number;
}

/**
 * Runs a solver on a game.
 * @returns an iterable of records of t = 0, every, 2·every, …, steps, each computed when it is asked for
 * @throws DataError for what is no game or policy, ConfigError for options out of range, before the first record;
 * StoppedError when the signal aborts
 * @example
 * const game = regularizedGame(preferenceGames.cyclic(1), 0.1, [0.7, 0.2, 0.1]);
 * for (const { t, gap } of iterate(game, { solver: 'nash-md', steps: 1000, every: 100 })) console.log(t, gap);
 */
export function iterate(g: RegularizedGame, o: IterateOptions): Iterable<TabularStep> {
  checkSolverOptions('iterate', o, ['steps', 'init', 'every', 'exact', 'signal']);
  const solver = resolveSolver(o);
  checkGame(g);
  checkRegularisation(solver, g.tau);
  checkCount('steps', o.steps, 0);
  checkCount('every', o.every ?? 1);
  if (o.init !== undefined) checkInit('init', o.init, g.ref);
  if (o.exact !== undefined) checkSupport('exact', o.exact, g.ref);
  return { [Symbol.iterator]: () => run(g, o, new SolverState(stackGames([g]), solver, o.init ?? g.ref, true)) };
}

function* run(g: RegularizedGame, o: IterateOptions, state: SolverState): Generator<TabularStep, void, undefined> {
  const { every = 1, steps } = o;
  yield record(g, o, state);
  while (state.t < steps) {
    if (o.signal?.aborted)
      throw new StoppedError({ where: 'iterate', what: `stopped after ${state.t} of ${steps} steps` });
    state.step();
    if (state.t % every === 0 || state.t === steps) yield record(g, o, state);
  }
}

function record(g: RegularizedGame, { exact }: IterateOptions, state: SolverState): TabularStep {
  const policy = state.policiesInto(new Float64Array(g.P.n));
  return {
    t: state.t,
    policy,
    average: state.averages(),
    gap: gapOf(g, policy),
    exploitability: exploited(g.P, policy),
    ...(exact !== undefined && { klToExact: klDivergence(exact, policy) }),
  };
}

/**
 * Refuses a policy that cannot be started from: one without the reference's support. A response of probability 0 would
 * keep it for ever, since every step multiplies.
 */
export function checkInit(where: string, init: Float64Array, ref: Float64Array): void {
  checkSupport(where, init, ref);
  for (const [i, x] of init.entries()) {
    if (x > 0 || ref[i] === 0) continue;
    throw new DataError({
      where: `${where}, entry ${i}`,
      what: 'probability 0 where the reference has some: no step would ever change it',
      got: x,
      wanted: 'a number > 0',
    });
  }
}

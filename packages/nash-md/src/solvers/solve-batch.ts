/** Many games together: one pass over typed arrays a step, no array allocated in the loop. */
import { checkCount, DataError, StoppedError } from '@gimbal/tensor-core';
import { type GameBatch, gameOf } from '../games/game-batch.ts';
import { checkGame } from '../games/regularized-game.ts';
import { gapOf } from '../measures/measures.ts';
import { checkInit } from './iterate.ts';
import { checkSolverOptions, resolveSolver, type SolverOptions } from './solver-options.ts';
import { SolverState } from './solver-state.ts';

/** A solver, and how to run it on many games. */
export interface BatchOptions extends SolverOptions {
  /** steps to take in every game */
  steps: number;
  /** π_0 of every game, `[G·n]`; default μ */
  init?: Float64Array;
  /** also keep the average of the iterates; default false, which is faster */
  averages?: boolean;
  /** stops it between two steps */
  signal?: AbortSignal;
}

/** What the games came to. */
export interface BatchSolution {
  /** the last iterate of every game, `[G·n]` */
  policies: Float64Array;
  /** the mean of π_0 … π_steps of every game, `[G·n]`; with `averages` */
  averages?: Float64Array;
  /** regularised duality gap of each game's last iterate, `[G]`; their mean is the gap of the contextual game */
  gaps: Float64Array;
}

/**
 * Runs a solver on every game of a batch. Each game's numbers are those it has alone.
 * @throws DataError for what is no game or policy, ConfigError for options out of range, StoppedError when the signal
 * aborts
 * @example solveBatch(stackGames(games), { solver: 'nash-md', steps: 10_000 }).policies
 */
export function solveBatch(batch: GameBatch, o: BatchOptions): BatchSolution {
  checkSolverOptions('solveBatch', o, ['steps', 'init', 'averages', 'signal']);
  const solver = resolveSolver(o);
  checkCount('steps', o.steps, 0);
  const { count, n } = batch;
  const init = o.init ?? batch.ref;
  if (init.length !== count * n) {
    const wanted = `${count} × ${n} = ${count * n}`;
    throw new DataError({ where: 'init', what: 'wrong length', got: init.length, wanted });
  }
  for (let g = 0; g < count; g++) {
    checkGame(gameOf(batch, g));
    checkInit(`init of game ${g}`, init.subarray(g * n, (g + 1) * n), batch.ref.subarray(g * n, (g + 1) * n));
  }
  const state = new SolverState(batch, solver, init, o.averages ?? false);
  while (state.t < o.steps) {
    if (o.signal?.aborted)
      throw new StoppedError({ where: 'solveBatch', what: `stopped after ${state.t} of ${o.steps} steps` });
    state.step();
  }
  const policies = state.policiesInto(new Float64Array(count * n));
  const gaps = Float64Array.from({ length: count }, (_, g) =>
    gapOf(gameOf(batch, g), policies.subarray(g * n, (g + 1) * n)),
  );
  return { policies, gaps, ...(o.averages && { averages: state.averages() }) };
}

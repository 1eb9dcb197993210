/** Many games of one size in one set of arrays: the contexts of a bandit, or a sweep over τ. */
import { DataError } from '@gimbal/tensor-core';
import { checkGame, type RegularizedGame } from './regularized-game.ts';

/** G games of n responses each. */
export interface GameBatch {
  /** G */
  readonly count: number;
  /** responses of each */
  readonly n: number;
  /** p[(g·n + i)·n + j] = P_g(i ≻ j), `[G·n·n]` */
  readonly p: Float64Array;
  /** ref[g·n + i] = μ_g(i), `[G·n]` */
  readonly ref: Float64Array;
  /** τ_g, `[G]` */
  readonly tau: Float64Array;
}

/**
 * Puts games side by side.
 * @param games at least one, all with the same number of responses
 * @returns new arrays
 * @throws DataError naming the game that does not fit
 */
export function stackGames(games: readonly RegularizedGame[]): GameBatch {
  const n = games[0]?.P.n;
  if (n === undefined) throw new DataError({ where: 'stackGames', what: 'no games', got: 0, wanted: 'at least one' });
  const count = games.length;
  const batch = {
    count,
    n,
    p: new Float64Array(count * n * n),
    ref: new Float64Array(count * n),
    tau: new Float64Array(count),
  };
  for (const [g, game] of games.entries()) {
    checkGame(game);
    if (game.P.n !== n) {
      const where = `stackGames, game ${g}`;
      throw new DataError({ where, what: 'another number of responses', got: game.P.n, wanted: String(n) });
    }
    batch.p.set(game.P.p, g * n * n);
    batch.ref.set(game.ref, g * n);
    batch.tau[g] = game.tau;
  }
  return batch;
}

/** One game of a batch: views of its arrays, no copies. */
export function gameOf(batch: GameBatch, g: number): RegularizedGame {
  const { n, p, ref, tau } = batch;
  return {
    P: { n, p: p.subarray(g * n * n, (g + 1) * n * n) },
    ref: ref.subarray(g * n, (g + 1) * n),
    tau: tau[g] as number,
  };
}

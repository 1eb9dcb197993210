// The first step of the schedule forgets where it started: η₀τ = 1.
import { bestResponse, iterate, preferenceGames, regularizedGame } from '@gimbal/nash-md';
import { rng } from '@gimbal/tensor-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { apart, circle, distribution } from './internal/games.ts';

export const claim = defineClaim({
  id: 'N2',
  claim: 'with the paper’s schedule the result does not depend on the first policy',
  paper: 'η₀ = 1/τ: the first step is the best response to μ',
  wanted: 'iterates from two first policies equal to 1e-12 after step 1; the first is BR(μ)',
  seeds: [0, 1, 2],
  async run({ seeds, signal }) {
    const checks = new Checks();
    let most = 0;
    for (const seed of seeds) {
      const r = rng(seed).split('claims.N2');
      const games = [
        circle(0.1),
        circle(0.03),
        regularizedGame(preferenceGames.random(10, r), 0.1, distribution(10, r)),
      ];
      for (const [k, game] of games.entries()) {
        await breathe(signal);
        const from = (): Float64Array[] =>
          Array.from(iterate(game, { steps: 1000, init: distribution(game.P.n, r), signal }), ({ policy }) => policy);
        const [one, two] = [from(), from()];
        for (let t = 1; t < one.length; t++)
          most = Math.max(most, apart(one[t] as Float64Array, two[t] as Float64Array));
        checks.most(`seed ${seed}, game ${k}, largest difference so far`, most, 1e-12);
        checks.most(
          `seed ${seed}, game ${k}, π₁ from BR(μ)`,
          apart(one[1] as Float64Array, bestResponse(game, game.ref)),
          1e-12,
        );
      }
    }
    return checks.result(`largest difference ${most.toExponential(1)}`);
  },
});

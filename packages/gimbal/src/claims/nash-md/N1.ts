// The last iterate of Nash-MD stays under the bound of theorem 1, on cyclic and random games.
import { iterate, preferenceGames, type RegularizedGame, regularizedGame, solveExact } from '@gimbal/nash-md';
import { rng } from '@gimbal/tensor-core';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { circle, distribution, skewed } from './internal/games.ts';

const taus = [1, 0.3, 0.1, 0.03];
const times = [10, 100, 1000, 10_000];
/** KL(π*‖π_T) on R(1), τ = .1, of an independent float64 implementation */
const reference = [1.7e-2, 5.0e-5, 1.2e-6, 1.3e-8];

export const claim = defineClaim({
  id: 'N1',
  claim: 'Nash-MD’s last iterate converges to the regularised equilibrium within the stated bound',
  paper: 'theorem 1: KL(π*‖π_T) ≤ 8/(τ²(T + 1)) with η_t = 2/(τ(t + 2))',
  wanted:
    'the bound at T = 10, 100, 1000, 10000; for τ ≥ .1 KL ≤ 1e-6 at 10000; slope over the last decade ≤ −.9, or KL at rounding (1e-14)',
  seeds: [0, 1, 2],
  async run({ seeds, signal }) {
    const checks = new Checks();
    let [closest, steepest, flattest] = [0, 0, Number.NEGATIVE_INFINITY];
    for (const tau of taus) {
      for (const [name, game] of games(tau, seeds)) {
        await breathe(signal);
        const exact = solveExact(game).policy;
        const kl = new Map<number, number>();
        for (const { t, klToExact = Number.NaN } of iterate(game, { steps: 10_000, every: 10, exact, signal }))
          if (times.includes(t)) kl.set(t, klToExact);
        const at = (t: number): number => kl.get(t) ?? Number.NaN;
        for (const t of times) {
          const bound = 8 / (tau ** 2 * (t + 1));
          checks.most(`${name}, τ = ${tau}, KL at ${t}`, at(t), bound);
          closest = Math.max(closest, at(t) / bound);
        }
        if (tau >= 0.1) checks.most(`${name}, τ = ${tau}, KL at 10000`, at(10_000), 1e-6);
        if (at(10_000) > 1e-14) {
          const slope = Math.log10(at(10_000) / at(1000));
          checks.most(`${name}, τ = ${tau}, slope`, slope, -0.9);
          [steepest, flattest] = [Math.min(steepest, slope), Math.max(flattest, slope)];
        }
        if (name === 'R(1)' && tau === 0.1)
          for (const [i, t] of times.entries())
            checks.near(`R(1), KL at ${t} against the reference`, at(t) / (reference[i] as number), 1, 0.05);
      }
    }
    const slopes = `slopes ${steepest.toFixed(2)} to ${flattest.toFixed(2)}`;
    return checks.result(`KL at most ${closest.toExponential(1)} of the bound, ${slopes}`);
  },
});

function* games(tau: number, seeds: readonly number[]): Generator<[string, RegularizedGame]> {
  yield ['R(1)', circle(tau)];
  yield ['dice', regularizedGame(preferenceGames.dice(), tau, skewed)];
  yield ['annotator types', regularizedGame(preferenceGames.annotatorTypes(0.1), tau, skewed)];
  for (const seed of seeds) {
    const stream = rng(seed).split('claims.N1');
    for (let k = 0; k < 5; k++) {
      const r = stream.split(k);
      yield [`random ${seed}.${k}`, regularizedGame(preferenceGames.random(10, r), tau, distribution(10, r))];
    }
  }
}

// A constant step does not lead to the equilibrium, but to the fixed point of the mixture it implies.
import { dualityGap, klDivergence, mixtureFixedPoint, preferenceGames, regularizedGame } from '@gimbal/nash-md';
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { circle, lastOf, skewed } from './internal/games.ts';

export const claim = defineClaim({
  id: 'N3',
  claim: 'with a constant step Nash-MD ends at F_β, β = ητ, not at the equilibrium',
  paper: 'Calandriello et al. 2024, proposition 5.2: the mixture’s fixed point is an equilibrium for τ/(1 − β)',
  wanted: 'KL(F_β‖π) ≤ 1e-10 after 500 steps; gap equal to that of F_β to 1e-8, and > 0',
  async run({ signal }) {
    const checks = new Checks();
    const gaps: string[] = [];
    const tau = 0.1;
    for (const [name, game] of [
      ['R(1)', circle(tau)],
      ['dice', regularizedGame(preferenceGames.dice(), tau, skewed)],
    ] as const) {
      for (const beta of [0.125, 0.5, 0.75]) {
        const wanted = mixtureFixedPoint(game, beta);
        const { policy, gap } = await lastOf(game, { eta: beta / tau, steps: 500, signal });
        checks.most(`${name}, β = ${beta}, KL`, klDivergence(wanted, policy), 1e-10);
        checks.near(`${name}, β = ${beta}, gap`, gap, dualityGap(game, wanted), 1e-8);
        checks.expect(`${name}, β = ${beta}, gap ${gap} is not > 0`, gap > 1e-6);
        gaps.push(gap.toPrecision(3));
      }
    }
    return checks.result(`gaps ${gaps.join(', ')}`);
  },
});

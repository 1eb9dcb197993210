// Exact-gradient policy optimisation against a mixture of constant weight.
import { klDivergence, mixtureFixedPoint } from '@gimbal/nash-md';
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { circle, lastOf } from './internal/games.ts';

export const claim = defineClaim({
  id: 'N7',
  claim: 'Nash-MD-PG with exact gradients ends at F_β; at the equilibrium for β = 0 only',
  paper: 'section 7 and appendix F: the policy-gradient form of Nash-MD',
  wanted: 'KL(F_β‖π) ≤ 1e-6 after 8000 steps of .5, β 0, .125, .375, .75; gap ≤ 1e-6 for β = 0',
  async run({ signal }) {
    const checks = new Checks();
    const found: string[] = [];
    const game = circle(0.1);
    for (const beta of [0, 0.125, 0.375, 0.75]) {
      const o = { solver: 'policy-gradient', eta: 0.5, mixtureCoef: beta, steps: 8000, signal } as const;
      const { policy, gap } = await lastOf(game, o);
      const kl = klDivergence(mixtureFixedPoint(game, beta), policy);
      checks.most(`β = ${beta}, KL`, kl, 1e-6);
      if (beta === 0) checks.most('β = 0, gap', gap, 1e-6);
      found.push(`${kl.toExponential(0)}`);
    }
    return checks.result(`KL ${found.join(', ')}`);
  },
});

// Weak regularisation and a long constant step: extragradient and optimism converge, plain steps circle.
import { iterate } from '@gimbal/nash-md';
import { breathe, Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { mean } from '../../reproduce/verdict.ts';
import { circle, lastOf } from './internal/games.ts';

export const claim = defineClaim({
  id: 'N5',
  claim: 'at τ = .01 with η = 1 extragradient and OMWU reach the equilibrium; OMD, MMD and Nash-MD circle it',
  paper: 'arXiv 2503.08942: extragradient converges linearly in the last iterate',
  wanted: 'gap after 2000 steps ≤ 1e-9; of the others a mean of ≥ .2 over the last 200',
  async run({ signal }) {
    const checks = new Checks();
    const game = circle(0.01);
    const steps = 2000;
    for (const solver of ['extragradient', 'omwu'] as const)
      checks.most(solver, (await lastOf(game, { solver, eta: 1, steps, signal })).gap, 1e-9);
    const found: string[] = [];
    for (const solver of ['omd', 'mmd', 'nash-md'] as const) {
      await breathe(signal);
      const gaps = Array.from(iterate(game, { solver, eta: 1, steps, signal }), ({ gap }) => gap).slice(-200);
      checks.least(solver, mean(gaps), 0.2);
      const range = `${Math.min(...gaps).toFixed(2)}–${Math.max(...gaps).toFixed(2)}`;
      found.push(`${solver} ${mean(gaps).toFixed(2)} (${range})`);
    }
    return checks.result(`mean gaps ${found.join(', ')}`);
  },
});

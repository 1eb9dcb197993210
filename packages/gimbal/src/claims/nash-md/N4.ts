// Without regularisation: multiplicative weights spiral outward and only their average converges; three others' last
// iterates do.
import { exploitability } from '@gimbal/nash-md';
import { Checks } from '../../reproduce/checks.ts';
import { defineClaim } from '../../reproduce/claim.ts';
import { circle, lastOf } from './internal/games.ts';

const start = Float64Array.of(0.4, 0.35, 0.25);
const game = { ...circle(0.1), ref: start };

export const claim = defineClaim({
  id: 'N4',
  claim:
    'in the unregularised cyclic game only the average of MWU converges; OMWU, extragradient and a moving magnet do',
  paper: 'section 2 and the literature on last-iterate convergence',
  wanted:
    'exploitability after 5000 steps of η = .1: MWU last ≥ .2 and > 3 × that at 100, average ≤ .01; OMWU, extragradient ≤ .02; moving magnet ≤ 1e-9',
  async run({ signal }) {
    const checks = new Checks();
    const free = { ...game, tau: 0 };
    const steps = 5000;
    const mwu = await lastOf(free, { solver: 'mwu', eta: 0.1, steps, signal });
    const early = await lastOf(free, { solver: 'mwu', eta: 0.1, steps: 100, signal });
    const average = exploitability(game.P, mwu.average);
    checks.least('MWU, last iterate', mwu.exploitability, 0.2);
    checks.least('MWU, last iterate against that at 100', mwu.exploitability / early.exploitability, 3);
    checks.most('MWU, average', average, 0.01);
    const optimistic = await lastOf(free, { solver: 'omwu', eta: 0.1, steps, signal });
    const extra = await lastOf(free, { solver: 'extragradient', eta: 0.1, steps, signal });
    checks.most('OMWU', optimistic.exploitability, 0.02);
    checks.most('extragradient', extra.exploitability, 0.02);
    const magnet = await lastOf(game, { solver: 'moving-magnet', eta: 0.1, magnetEvery: 200, steps, signal });
    checks.most('moving magnet', magnet.exploitability, 1e-9);
    // an independent float64 implementation
    checks.near('MWU against the reference', mwu.exploitability, 0.303, 5e-4);
    checks.near('MWU at 100 against the reference', early.exploitability, 0.074, 5e-4);
    checks.near('OMWU against the reference', optimistic.exploitability, 0.0096, 5e-5);
    const text = (x: number): string => x.toPrecision(3);
    return checks.result(
      `MWU ${text(mwu.exploitability)} (${text(early.exploitability)} at 100), its average ${text(average)}, OMWU ${text(optimistic.exploitability)}, extragradient ${text(extra.exploitability)}, moving magnet ${magnet.exploitability.toExponential(0)}`,
    );
  },
});

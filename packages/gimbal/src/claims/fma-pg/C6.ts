// The constrained inner step with a line search.
import { defineClaim } from '../../reproduce/claim.ts';
import { Checks, cliff, leastChange, passes, returns, sea } from './internal/tabular.ts';

const wanted = {
  CliffWorld: { [2 ** -16]: 362, [2 ** -10]: 49, [2 ** -6]: 15, [2 ** -2]: 6 },
  DeepSea: { [2 ** -16]: 134, [2 ** -10]: 18, [2 ** -6]: 6, [2 ** -2]: 2 },
} as const;

export const claim = defineClaim({
  id: 'C6',
  claim: 'constrained steps with a line search reach the optimum for every δ, whatever the objective',
  paper: 'appendix E: the optimiser matters as much as the objective',
  wanted:
    'iterations to .99 of the best return as the reference, ± 3; J never falls by more than 1e-8 for TRPO and MDPO',
  async run({ signal }) {
    const checks = new Checks();
    let least = Number.POSITIVE_INFINITY;
    for (const task of [cliff, sea]) {
      for (const method of ['smdpo', 'trpo', 'mdpo'] as const) {
        for (const [delta, t] of Object.entries(wanted[task.name as keyof typeof wanted])) {
          const inner = { kind: 'constrained', delta: Number(delta), steps: 1 } as const;
          const J = await returns(task.mdp, { method, inner, iterations: t + 200, signal });
          checks.near(`${task.name} ${method} δ=${delta} passes at`, passes(J, task.best), t, 3);
          if (method === 'smdpo') continue; // raising its linear term need not raise J
          least = Math.min(least, leastChange(J));
          checks.expect(`${task.name} ${method} δ=${delta} fell by ${-leastChange(J)}`, leastChange(J) >= -1e-8);
        }
      }
    }
    return checks.result(`smallest change of J ${least.toExponential(1)}`);
  },
});

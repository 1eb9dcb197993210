// Closed-form steps raise J for every η; how fast, against an independent float64 implementation.
import { defineClaim } from '../../reproduce/claim.ts';
import { Checks, cliff, last, leastChange, passes, returns, sea } from './internal/tabular.ts';

const iterations = 2000;
const etas = [9.9e-4, 2 ** -7, 2 ** -6, 2 ** -5, 2 ** -4, 2 ** -3, 1, 10];
/** iteration that passes .99 of the best return, by η */
const reference = {
  smdpo: { 0.03125: 1634, 0.0625: 848, 1: 200, 10: 18 },
  mdpo: { 0.03125: 1575, 0.0625: 859, 1: 630, 10: 611 },
} as const;

export const claim = defineClaim({
  id: 'C1',
  claim: 'closed-form steps of sMDPO and MDPO never lower the return, for every step size',
  paper: 'monotone improvement (theorem 1); sweeps over η (appendix E)',
  wanted: 'smallest change of J ≥ −1e-10; iterations to .99 of the best return as the reference, ± 1',
  async run({ signal }) {
    const checks = new Checks();
    let least = Number.POSITIVE_INFINITY;
    for (const method of ['smdpo', 'mdpo'] as const) {
      for (const eta of etas) {
        for (const task of [cliff, sea]) {
          const J = await returns(task.mdp, { method, eta, inner: { kind: 'closed-form' }, iterations, signal });
          const change = leastChange(J);
          least = Math.min(least, change);
          const name = `${task.name} ${method} η=${eta}`;
          checks.expect(`${name} fell by ${-change}`, change >= -1e-10);
          const t = (reference[method] as Record<number, number>)[eta];
          if (task === cliff && t !== undefined) checks.near(`${name} passes at`, passes(J, task.best), t, 1);
          if (task === cliff && eta === 2 ** -4)
            checks.near(`${name} at 200`, J[200] as number, method === 'smdpo' ? 0.3288 : 0.2966, 1e-4);
          if (task === cliff && eta === 9.9e-4 && method === 'smdpo')
            checks.near(`${name} ends at`, last(J), 0.0712, 1e-4);
          if (task === sea && eta === 2 ** -4)
            checks.near(`${name} passes at`, passes(J, task.best), method === 'smdpo' ? 144 : 146, 1);
          if (task === sea && eta === 1)
            checks.near(`${name} passes at`, passes(J, task.best), method === 'smdpo' ? 8 : 10, 1);
        }
      }
    }
    for (const eta of [2 ** -3, 1]) {
      const inner = { kind: 'closed-form', floor: 1e-300 } as const;
      const J = await returns(cliff.mdp, { method: 'smdpo', eta, inner, iterations, signal });
      checks.near(`floor 1e-300, η=${eta} ends at`, last(J), 0.9 ** 8, 1e-4);
    }
    // the floor of sMDPO's weights, put on MDPO's probabilities: another method, and a faster one
    for (const [eta, t] of [
      [1, 219],
      [10, 12],
    ] as const) {
      const inner = { kind: 'closed-form', floor: 1e-8 } as const;
      const J = await returns(cliff.mdp, { method: 'mdpo', eta, inner, iterations, signal });
      checks.near(`CliffWorld mdpo, floor 1e-8, η=${eta} passes at`, passes(J, cliff.best), t, 1);
    }
    return checks.result(`smallest change of J ${least.toExponential(1)}`);
  },
});

// One inner step: all methods are the same.
import type { TabularIteration } from '@gimbal/fma-pg';
import { defineClaim } from '../../reproduce/claim.ts';
import { Checks, cliff, etaOf, iterates, sea, type Task } from './internal/tabular.ts';

const methods = ['smdpo', 'mdpo', 'trpo', 'ppo', 'sppo', 'npg', 'cpi'] as const;

export const claim = defineClaim({
  id: 'C4',
  claim: 'with one inner step all surrogates take the same step as REINFORCE',
  paper: 'section 3: the surrogate’s gradient at its own policy is the policy gradient',
  wanted:
    'policies and J equal to 1e-10 at every iteration; J .34453 on CliffWorld at 2000, .70852 and .70861 on DeepSea at 199 and 200 (α = 8)',
  async run({ signal }) {
    const checks = new Checks();
    const run = (task: Task, method: (typeof methods)[number] | 'reinforce', iterations: number) =>
      iterates(task.mdp, {
        ...{ method, ...etaOf(method, 0.01), inner: { kind: 'fixed', alpha: 8, steps: 1 }, iterations, signal },
      });
    let apart = 0;
    for (const [task, iterations] of [
      [cliff, 2001],
      [sea, 201],
    ] as const) {
      const wanted = await run(task, 'reinforce', iterations);
      for (const method of methods) {
        const most = Math.max(
          ...(await run(task, method, iterations)).map((it, i) => distance(it, wanted[i] as TabularIteration)),
        );
        apart = Math.max(apart, most);
        checks.expect(`${task.name} ${method} is ${most} from REINFORCE`, most <= 1e-10);
      }
      if (task === cliff) checks.near('CliffWorld at 2000', wanted[2000]?.J as number, 0.34453, 1e-5);
      else {
        checks.near('DeepSea at 199', wanted[199]?.J as number, 0.70852, 1e-5);
        checks.near('DeepSea at 200', wanted[200]?.J as number, 0.70861, 1e-5);
      }
    }
    return checks.result(`largest difference in J and in a probability ${apart.toExponential(1)}`);
  },
});

/** The largest difference in J and in a probability. */
const distance = (a: TabularIteration, b: TabularIteration): number =>
  a.policy.reduce((most, p, i) => Math.max(most, Math.abs(p - (b.policy[i] as number))), Math.abs(a.J - b.J));

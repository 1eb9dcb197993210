// Many inner steps on one policy: what each surrogate makes of them.
import type { TabularMethod } from '@gimbal/fma-pg';
import { defineClaim } from '../../reproduce/claim.ts';
import { Checks, cliff, last, returns, sea, type Task } from './internal/tabular.ts';

const powers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => 2 ** (from + i));
const epsilons = [0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99];
const regularized = ['smdpo', 'mdpo', 'trpo'] as const;

export const claim = defineClaim({
  id: 'C5',
  claim: 'many inner steps help every method with a proximity term past PPO, which stays on a safe detour of the cliff',
  paper: 'figures of appendix E: larger m is better; PPO is sub-optimal on CliffWorld',
  wanted:
    'best J at m = 100 over all settings: sMDPO ≥ .525, MDPO and TRPO-KL ≥ .50 and each > m = 10 by .05; PPO ≤ .45',
  async run({ full, signal, note }) {
    const checks = new Checks();
    const etas = full ? powers(-13, -1) : powers(-7, -3);
    const alphas = full ? powers(-13, 3) : powers(-2, 3);
    const best = async (task: Task, method: TabularMethod, steps: number, iterations: number): Promise<number> => {
      const settings =
        method === 'ppo' ? epsilons.map((clipEpsilon) => ({ clipEpsilon })) : etas.map((eta) => ({ eta }));
      let most = Number.NEGATIVE_INFINITY;
      for (const setting of settings) {
        for (const alpha of alphas) {
          const inner = { kind: 'fixed', alpha, steps } as const;
          most = Math.max(most, last(await returns(task.mdp, { method, ...setting, inner, iterations, signal })));
        }
      }
      note(`C5: ${task.name} ${method} m=${steps}: best J ${most.toFixed(4)}`);
      return most;
    };
    const results: string[] = [];
    for (const method of [...regularized, 'ppo'] as const) {
      const [ten, hundred] = [await best(cliff, method, 10, 2000), await best(cliff, method, 100, 2000)];
      results.push(`${method} ${ten.toFixed(3)}/${hundred.toFixed(3)}`);
      if (method === 'ppo') {
        checks.expect(`PPO reaches ${hundred}`, Math.max(ten, hundred) <= 0.45);
        continue;
      }
      const least = method === 'smdpo' ? 0.525 : 0.5;
      checks.expect(`${method} reaches ${hundred}, wanted ${least}`, hundred >= least);
      checks.expect(`${method} gains ${hundred - ten} from m = 100`, hundred > ten + 0.05);
    }
    if (full) {
      const wanted = { 1: 0.7085, 10: 0.7222, 100: 0.7234 };
      for (const [steps, J] of Object.entries(wanted)) {
        const smdpo = await best(sea, 'smdpo', Number(steps), 200);
        checks.near(`DeepSea smdpo m=${steps}`, smdpo, J, 1e-3);
        checks.near(`DeepSea ppo m=${steps}`, await best(sea, 'ppo', Number(steps), 200), smdpo, 1e-3);
      }
    }
    return checks.result(`CliffWorld, m = 10/100: ${results.join(', ')}`);
  },
});

// Bandits: updates of logits against updates of probabilities, from one sampled arm a step.
import { type BanditRule, banditUpdate } from '@gimbal/fma-pg';
import { type Rng, rng, StoppedError } from '@gimbal/tensor-core';
import { defineClaim } from '../../reproduce/claim.ts';
import { Checks } from './internal/tabular.ts';

const etas = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.9];

export const claim = defineClaim({
  id: 'C8',
  claim: 'on bandits the softmax update has a fraction of the regret of the direct one, at every step size',
  paper: 'section 5.1: sMDPO-type at least as good and less sensitive than EXP3-type',
  wanted:
    'mean regret per step (10 arms, .75 and .25): sMDPO ≤ half of MDPO at the best η, and no worse than MDPO at each η ≤ .3 (within .1 %)',
  async run({ seeds, full, signal }) {
    const [instances, steps] = full ? [3000, 5000] : [300, 5000];
    const regrets = { smdpo: [], mdpo: [], reinforce: [] } as Record<BanditRule, number[]>;
    for (const rule of ['smdpo', 'mdpo', 'reinforce'] as const) {
      for (const eta of etas) {
        let total = 0;
        for (const seed of seeds) {
          await new Promise((resolve) => setImmediate(resolve));
          if (signal.aborted) throw new StoppedError({ where: 'claim C8', what: 'stopped between two runs' });
          const stream = rng(seed).split('claims.C8');
          for (let i = 0; i < instances; i++) total += regret(rule, eta, steps, stream.split(i));
        }
        regrets[rule].push(total / (instances * seeds.length));
      }
    }
    const checks = new Checks();
    const best = (rule: BanditRule): number => Math.min(...regrets[rule]);
    checks.expect(`sMDPO ${best('smdpo')}, MDPO ${best('mdpo')}`, best('smdpo') <= 0.5 * best('mdpo'));
    for (const [i, eta] of etas.entries()) {
      if (eta > 0.3) continue;
      const [s, m] = [regrets.smdpo[i] as number, regrets.mdpo[i] as number];
      // at the smallest η neither learns anything: equal to four digits
      checks.expect(`at η=${eta}: sMDPO ${s}, MDPO ${m}`, s <= 1.001 * m);
    }
    const text = (rule: BanditRule): string => best(rule).toFixed(3);
    return checks.result(`best η: sMDPO ${text('smdpo')}, MDPO ${text('mdpo')}, REINFORCE ${text('reinforce')}`);
  },
});

/** Mean regret per step of one instance: one arm pays with probability .75, nine with .25. */
function regret(rule: BanditRule, eta: number, steps: number, r: Rng): number {
  const arms = 10;
  const gap = 0.5;
  const good = r.int(arms);
  const logP = new Float64Array(arms).fill(-Math.log(arms));
  let total = 0;
  for (let t = 0; t < steps; t++) {
    const arm = draw(logP, r.uniform());
    total += arm === good ? 0 : gap;
    const reward = r.uniform() < (arm === good ? 0.75 : 0.25) ? 1 : 0;
    if (reward === 1) banditUpdate(rule, logP, arm, 1, eta);
  }
  return total / steps;
}

function draw(logP: Float64Array, u: number): number {
  let left = u;
  for (let a = 0; a < logP.length - 1; a++) {
    left -= Math.exp(logP[a] as number);
    if (left < 0) return a;
  }
  return logP.length - 1;
}

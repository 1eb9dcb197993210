// Many passes over one rollout of CartPole: which surrogates bear it.
import { linear, OnPolicyAgent, type Surrogate, surrogates } from '@gimbal/fma-pg';
import { defineClaim } from '../../reproduce/claim.ts';
import { meanOf, trainOut } from './internal/agents.ts';
import { Checks } from './internal/tabular.ts';

const losses: Record<string, () => Surrogate> = {
  PPO: () => surrogates.ppoClip(),
  'sPPO pessimistic': () => surrogates.sppo(),
  MDPO: () => surrogates.mdpo(),
  sMDPO: () => surrogates.smdpo(),
  'sPPO plain': () => surrogates.sppo({ pessimistic: false }),
  unclipped: () => surrogates.ratio(),
};
/** measured with --full, no bound asserted */
const more: typeof losses = {
  'sMDPO η .3': () => surrogates.smdpo({ eta: 0.3 }),
  'sMDPO unclamped': () => surrogates.smdpo({ negativeWeight: 'keep' }),
};
/** learning rate, passes over a rollout, losses */
const settings = [[1e-3, 64, losses]] as const;
const fullSettings = [
  [3e-4, 64, { ...losses, ...more }],
  [1e-3, 64, { ...losses, ...more }],
  [3e-3, 64, { ...losses, ...more }],
  [1e-3, 4, losses],
] as const;

export const claim = defineClaim({
  id: 'C10',
  claim:
    'at 64 passes over a rollout, surrogates with a working proximity term still learn CartPole; the unclipped ratio does not',
  paper: 'section 5.2: robustness to the number of inner updates (curves on MuJoCo)',
  wanted:
    'last fifth of the episodes at lr 1e-3: PPO, MDPO, sMDPO, sPPO pessimistic ≥ 430, unclipped ≤ 330; largest KL of the plain clip > 10 × that of the pessimistic one; finite numbers everywhere (full: three rates and 4 passes, 5 seeds)',
  seeds: [0, 1, 2],
  async run({ seeds, full, signal, note }) {
    const { makeEnv } = await import('@gimbal/control-envs');
    const checks = new Checks();
    const parts: string[] = [];
    for (const [rate, epochs, of] of full ? fullSettings : settings) {
      const asserted = rate === 1e-3 && epochs === 64;
      const kl: Record<string, number> = {};
      for (const [name, make] of Object.entries(of)) {
        const runs = [];
        for (const seed of full ? [0, 1, 2, 3, 4] : seeds) {
          using agent = await OnPolicyAgent.create({
            env: () => makeEnv('CartPole-v1'),
            numEnvs: 32,
            rollout: 64,
            minibatches: 4,
            epochs,
            surrogate: make(),
            learningRate: linear(rate, 0),
            seed,
          });
          runs.push(await trainOut(agent, 49_152, signal));
        }
        const [mean, most] = [meanOf(runs.map((r) => r.lastFifth)), meanOf(runs.map((r) => r.mostKl))];
        kl[name] = most;
        const text = `${full ? `lr ${rate}, K ${epochs}: ` : ''}${name} ${mean.toFixed(0)} (${most.toPrecision(2)})`;
        note(`C10: ${text}`);
        parts.push(text);
        checks.expect(`${text}: not finite`, Number.isFinite(mean) && Number.isFinite(most));
        if (!asserted || name in more) continue;
        if (name === 'unclipped') checks.expect(`unclipped reaches ${mean}`, mean <= 330);
        else if (name !== 'sPPO plain') checks.expect(`${name} reaches ${mean}`, mean >= 430);
      }
      const [plain, pessimistic] = [kl['sPPO plain'] as number, kl['sPPO pessimistic'] as number];
      if (asserted) checks.expect(`KL ${plain} against ${pessimistic}`, plain > 10 * pessimistic);
    }
    return checks.result(parts.join(', '));
  },
});

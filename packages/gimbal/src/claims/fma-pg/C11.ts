// The log-ratio variant beside PPO on HalfCheetah: measured and reported, no winner asserted.
import { linear, OnPolicyAgent, onPolicyPresets, type Surrogate, surrogates } from '@gimbal/fma-pg';
import { defineClaim } from '../../reproduce/claim.ts';
import { intervalOf, meanOf, type TrainingRun, trainOut } from './internal/agents.ts';
import { Checks } from './internal/tabular.ts';

const losses: Record<string, () => Surrogate> = {
  PPO: () => surrogates.ppoClip({ clipEpsilon: 0.2 }),
  'sPPO pessimistic': () => surrogates.sppo({ clipEpsilon: 0.2 }),
  'sPPO plain': () => surrogates.sppo({ clipEpsilon: 0.2, pessimistic: false }),
};

const cheetah = { env: 'HalfCheetah-v5', steps: 100_000, epochs: 10, rate: 3e-4, seeds: [1, 2, 3] };
const fullRuns = [
  cheetah,
  { ...cheetah, epochs: 50 },
  { env: 'Hopper-v5', steps: 200_000, epochs: 10, rate: 1e-3, seeds: [1, 2, 3, 4, 5] },
];

export const claim = defineClaim({
  id: 'C11',
  claim:
    'the log-ratio variant beside PPO on HalfCheetah, at 10 passes over a rollout and (full) at 50, and (full) on Hopper',
  paper: 'section 5.2: sPPO at least matches PPO and bears more passes (curves on MuJoCo, no table)',
  wanted:
    'the runs finish with finite numbers; returns and largest KL are reported, no winner is asserted (full: whether PPO gains 300 over its first 10k steps on HalfCheetah is said too)',
  seeds: [1],
  async run({ seeds, full, signal, note }) {
    const { makeEnv } = await import('@gimbal/control-envs');
    const checks = new Checks();
    const parts: string[] = [];
    for (const { env, steps, epochs, rate, seeds: own } of full ? fullRuns : [{ ...cheetah, steps: 20_480, seeds }]) {
      for (const [name, make] of Object.entries(losses)) {
        const runs: TrainingRun[] = [];
        for (const seed of own) {
          using agent = await OnPolicyAgent.create({
            ...onPolicyPresets.ppo({ surrogate: make(), epochs, learningRate: linear(rate, 0) }),
            env: () => makeEnv(env),
            seed,
          });
          runs.push(await trainOut(agent, steps, signal, 10_000));
        }
        const returns = runs.map((r) => r.lastFifth);
        const [mean, [low, high]] = [meanOf(returns), intervalOf(returns)];
        const gain = mean - meanOf(runs.map((r) => r.first));
        const kl = Math.max(...runs.map((r) => r.mostKl));
        const interval = runs.length > 1 ? ` [${low.toFixed(0)}, ${high.toFixed(0)}]` : '';
        const text = `${env}, ${steps / 1000}k steps, K=${epochs}: ${name} ${mean.toFixed(0)}${interval}, ${gain.toFixed(0)} over its first 10k steps, KL ${kl.toPrecision(2)}`;
        note(`C11: ${text}`);
        parts.push(text);
        checks.expect(`${text}: not finite`, Number.isFinite(mean) && Number.isFinite(kl));
      }
    }
    const result = checks.result(parts.join('; '));
    return result.verdict === 'holds' ? { ...result, verdict: 'reported' } : result;
  },
});

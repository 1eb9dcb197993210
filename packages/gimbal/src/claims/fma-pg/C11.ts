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

export const claim = defineClaim({
  id: 'C11',
  claim: 'the log-ratio variant beside PPO on HalfCheetah, at 10 passes over a rollout and (full) at 50',
  paper: 'section 5.2: sPPO at least matches PPO and bears more passes (curves on MuJoCo, no table)',
  wanted: 'the runs finish with finite numbers; returns and largest KL are reported, no winner is asserted',
  seeds: [1],
  async run({ seeds, full, signal, note }) {
    const { makeEnv } = await import('@gimbal/control-envs');
    const steps = full ? 100_000 : 20_480;
    const checks = new Checks();
    const parts: string[] = [];
    for (const epochs of full ? [10, 50] : [10]) {
      for (const [name, make] of Object.entries(losses)) {
        const runs: TrainingRun[] = [];
        for (const seed of full ? [1, 2, 3] : seeds) {
          using agent = await OnPolicyAgent.create({
            ...onPolicyPresets.ppo({ surrogate: make(), epochs, learningRate: linear(3e-4, 0) }),
            env: () => makeEnv('HalfCheetah-v5'),
            seed,
          });
          runs.push(await trainOut(agent, steps, signal));
        }
        const returns = runs.map((r) => r.lastFifth);
        const [mean, [low, high]] = [meanOf(returns), intervalOf(returns)];
        const kl = Math.max(...runs.map((r) => r.mostKl));
        const interval = runs.length > 1 ? ` [${low.toFixed(0)}, ${high.toFixed(0)}]` : '';
        const text = `K=${epochs} ${name} ${mean.toFixed(0)}${interval}, KL ${kl.toPrecision(2)}`;
        note(`C11: ${text}`);
        parts.push(text);
        checks.expect(`${name}, ${epochs} passes: ${mean}, KL ${kl}`, Number.isFinite(mean) && Number.isFinite(kl));
      }
    }
    const result = checks.result(`${steps / 1000}k steps: ${parts.join('; ')}`);
    return result.verdict === 'holds' ? { ...result, verdict: 'reported' } : result;
  },
});

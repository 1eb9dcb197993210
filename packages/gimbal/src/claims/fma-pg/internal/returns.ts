// Returns of PPO while it trains on a locomotion task, with the settings of `gimbal bench rl-train` and of its peer.
import { OnPolicyAgent, surrogates } from '@gimbal/fma-pg';
import { StoppedError } from '@gimbal/tensor-core';

/** points of a curve: each is the mean return of the episodes that ended in its share of the run */
export const points = 30;

/** The curve of one run; null where no episode ended. */
export async function trainingReturns(
  id: string,
  steps: number,
  seed: number,
  signal: AbortSignal,
): Promise<(number | null)[]> {
  const { makeEnv } = await import('@gimbal/control-envs');
  using agent = await OnPolicyAgent.create({
    ...{ rollout: 2048, minibatches: 32, epochs: 10, learningRate: 3e-4, hidden: [64, 64], gamma: 0.99 },
    surrogate: surrogates.ppoClip({ clipEpsilon: 0.2 }),
    env: () => makeEnv(id),
    seed,
  });
  const sums = Array.from({ length: points }, () => ({ total: 0, count: 0 }));
  for await (const m of agent.train({ steps, signal })) {
    if (m.episodes === 0) continue;
    // the rollout's last step decides where its episodes count
    const bin = sums[Math.min(points - 1, Math.floor(((m.step - 1) * points) / steps))] as (typeof sums)[number];
    bin.total += m.episodes * m.episodeReturn;
    bin.count += m.episodes;
  }
  if (signal.aborted) throw new StoppedError({ where: 'claim C14', what: 'stopped while an agent was trained' });
  return sums.map(({ total, count }) => (count === 0 ? null : total / count));
}

/** Mean of the last fifth of a curve. */
export function lastFifth(curve: readonly (number | null)[]): number {
  const last = curve.slice(-points / 5).filter((y): y is number => y !== null);
  return last.reduce((a, b) => a + b, 0) / last.length;
}

// Returns of an agent while it trains on a locomotion task, with the settings of `gimbal bench rl-train` and of its peer.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OffPolicyAgent, OnPolicyAgent, surrogates } from '@gimbal/fma-pg';
import { StoppedError, writeFileAtomic } from '@gimbal/tensor-core';

/** points of a curve: each is the mean return of the episodes that ended in its share of the run */
export const points = 30;

/** null where no episode ended */
export type Curve = readonly (number | null)[];

/** One run. */
export interface ReturnsRun {
  algorithm: 'PPO' | 'SAC';
  env: string;
  steps: number;
  seed: number;
}

/** The curve of one run, which `dir` keeps: what was stopped goes on behind the runs that were finished. */
export async function trainingReturns(run: ReturnsRun, dir: string, signal: AbortSignal): Promise<Curve> {
  const file = join(dir, `${run.algorithm}-${run.env}-${run.seed}.json`);
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept !== undefined) {
    const { curve, ...was } = JSON.parse(kept) as ReturnsRun & { curve: Curve };
    if (JSON.stringify(was) === JSON.stringify(run)) return curve;
  }
  const curve = await train(run, signal);
  await mkdir(dir, { recursive: true });
  await writeFileAtomic(file, `${JSON.stringify({ ...run, curve })}\n`);
  return curve;
}

async function train({ algorithm, env: id, steps, seed }: ReturnsRun, signal: AbortSignal): Promise<Curve> {
  const { makeEnv } = await import('@gimbal/control-envs');
  const env = () => makeEnv(id);
  using agent = algorithm === 'PPO' ? await ppo(env, seed) : await sac(env, seed);
  const sums = Array.from({ length: points }, () => ({ total: 0, count: 0 }));
  for await (const m of agent.train({ steps, signal })) {
    if (m.episodes === 0) continue;
    // the last step since the last line decides where its episodes count
    const bin = sums[Math.min(points - 1, Math.floor(((m.step - 1) * points) / steps))] as (typeof sums)[number];
    bin.total += m.episodes * m.episodeReturn;
    bin.count += m.episodes;
  }
  if (signal.aborted) throw new StoppedError({ where: `${algorithm} on ${id}`, what: 'stopped while it was trained' });
  return sums.map(({ total, count }) => (count === 0 ? null : total / count));
}

type MakeEnv = Parameters<typeof OnPolicyAgent.create>[0]['env'];

const ppo = (env: MakeEnv, seed: number): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({
    ...{ rollout: 2048, minibatches: 32, epochs: 10, learningRate: 3e-4, hidden: [64, 64], gamma: 0.99 },
    surrogate: surrogates.ppoClip({ clipEpsilon: 0.2 }),
    valueCoef: 1, // of half the squared error: Stable-Baselines3 has .5 of the whole
    env,
    seed,
  });

const sac = (env: MakeEnv, seed: number): Promise<OffPolicyAgent> =>
  OffPolicyAgent.create({
    ...{ batchSize: 256, learningStarts: 1000, learningRate: 3e-4, hidden: [256, 256], gamma: 0.99 },
    algorithm: 'sac',
    buffer: { capacity: 100_000 },
    logEvery: 200, // episodes are counted where a line is logged: well within a point of the curve
    env,
    seed,
  });

/** Mean of the last fifth of a curve. */
export function lastFifth(curve: Curve): number {
  const last = curve.slice(-points / 5).filter((y): y is number => y !== null);
  return last.reduce((a, b) => a + b, 0) / last.length;
}

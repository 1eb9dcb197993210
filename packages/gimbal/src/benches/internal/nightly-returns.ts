// Whether agents still learn as CleanRL's do: PPO's training returns after as many steps, over five seeds. It takes hours, so
// it is asked for by name (`gimbal bench rl-train --nightly`) and part of no test. SAC's million steps take hours a seed,
// and are not in it.
import { makeEnv } from '@gimbal/control-envs';
import { OnPolicyAgent, ppo } from '@gimbal/fma-pg';
import type { Env } from '@gimbal/tensor-core';
import { countHostKernels } from '../../bench/host-kernels.ts';
import { known } from '../../bench/row.ts';
import type { BenchRow, SuiteContext } from '../../bench/suite.ts';

/** what of CleanRL's mean ours reaches at least */
const share = 0.8;
const seeds = 5;

interface Target {
  env: string;
  steps: number;
  /** CleanRL's mean over 3 seeds at as many steps (docs/rl-algorithms/ppo.md), or the least return where there is none */
  cleanrl?: number;
  least: number;
}

/** HalfCheetah falls to one of two levels by the seed, which is why five are averaged. Hopper's at 300k is uncalibrated. */
const targets: readonly Target[] = [
  { env: 'HalfCheetah-v5', steps: 1_000_000, cleanrl: 1443, least: 1150 },
  { env: 'Hopper-v5', steps: 1_000_000, cleanrl: 2383, least: share * 2383 },
  { env: 'Walker2d-v5', steps: 1_000_000, cleanrl: 2288, least: share * 2288 },
  { env: 'Hopper-v5', steps: 300_000, least: 1000 },
];

/** Rows of the returns; `--effort` shortens runs and takes fewer seeds, and says so in their names. */
export async function* nightlyReturns(context: SuiteContext): AsyncIterable<BenchRow> {
  const { effort, seed: first } = context.options;
  for (const { env, steps: whole, cleanrl, least } of targets) {
    if (!context.wants(env)) continue;
    const [steps, runs] = [Math.max(4096, Math.round(whole * effort)), Math.max(1, Math.round(seeds * effort))];
    const returns: number[] = [];
    const { hostKernels } = await countHostKernels(async () => {
      for (let seed = first; seed < first + runs; seed++) {
        const found = await lastReturns(env, steps, seed);
        returns.push(found);
        context.note(`PPO, ${env}, seed ${seed}: ${found.toFixed(0)} after ${steps} steps`);
      }
    });
    const ours = returns.reduce((a, b) => a + b, 0) / returns.length;
    const row = known({
      name: `PPO, ${env}, ${steps} steps, mean of ${runs}`,
      ...{ unit: 'return', ours, peer: cleanrl ?? null, more: true, hostKernels },
    });
    // a run that is cut short has no bound to hold
    yield { ...row, ratio: ours / least, goal: effort < 1 ? null : 1 };
  }
}

/** Mean return of the episodes that ended in the last tenth of a training run, with CleanRL's settings. */
async function lastReturns(id: string, steps: number, seed: number): Promise<number> {
  const env = async (): Promise<Env> => endedByTime((await makeEnv(id)) as Env);
  using agent = await OnPolicyAgent.create({ ...ppo(), numEnvs: 1, env, seed });
  let [total, count] = [0, 0];
  for await (const m of agent.train({ steps })) {
    if (m.episodes === 0 || m.step < 0.9 * steps) continue;
    total += m.episodes * m.episodeReturn;
    count += m.episodes;
  }
  return total / count;
}

/** CleanRL's PPO takes a time limit for an end: no value is added behind it. */
function endedByTime(env: Env): Env {
  const step = env.step.bind(env);
  env.step = (action) => {
    const found = step(action);
    return { ...found, terminated: found.terminated || found.truncated };
  };
  return env;
}

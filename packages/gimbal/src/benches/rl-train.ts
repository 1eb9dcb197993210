// Training end to end, the environment's steps included: PPO on HalfCheetah and SAC on Hopper, seconds for 100k steps,
// beside Stable-Baselines3 with equal settings. A call is a rollout with its updates (PPO) or 200 steps (SAC); the agents
// go on from call to call. After it, where the time goes: physics, tensor kernels, and the agent's own.
import { makeEnv } from '@gimbal/control-envs';
import { OffPolicyAgent, OnPolicyAgent, surrogates } from '@gimbal/fma-pg';
import type { Env } from '@gimbal/tensor-core';
import { type Comparison, compare, known } from '../bench/row.ts';
import { type BenchRow, defineSuite, type SuiteContext } from '../bench/suite.ts';
import { nativePackage } from '../run/native.ts';
import { nightlyReturns } from './internal/nightly-returns.ts';

/** ours takes at most .7 of their time */
const goal = 1 / 0.7;
/** of the whole time: neither physics nor tensor kernels */
const mostOverhead = 0.25;
/** before the agent's own share is measured: code that is still being compiled is not counted */
const warmUpSeconds = 3;

/** Settings of both sides; the peer has the same numbers (rl_train.py). */
const ppo = { rollout: 2048, minibatches: 32, epochs: 10, learningRate: 3e-4, hidden: [64, 64], gamma: 0.99 } as const;
const sac = { batchSize: 256, learningStarts: 1000, learningRate: 3e-4, hidden: [256, 256], gamma: 0.99 } as const;
const sacSteps = 200;

type Agent = OnPolicyAgent | OffPolicyAgent;

interface Task {
  name: string;
  /** of the peer's script */
  case: string;
  /** environment steps of a call */
  steps: number;
  agent(env: () => Promise<Env>): Promise<Agent>;
  env: string;
}

const tasks: readonly Task[] = [
  {
    name: 'PPO, HalfCheetah-v5',
    case: 'ppo',
    steps: ppo.rollout,
    env: 'HalfCheetah-v5',
    agent: (env) =>
      // Stable-Baselines3's .5 is of the whole squared error
      OnPolicyAgent.create({ ...ppo, valueCoef: 1, surrogate: surrogates.ppoClip({ clipEpsilon: 0.2 }), env, seed: 0 }),
  },
  {
    name: 'SAC, Hopper-v5',
    case: 'sac',
    steps: sacSteps,
    env: 'Hopper-v5',
    agent: (env) =>
      OffPolicyAgent.create({ ...sac, algorithm: 'sac', buffer: { capacity: 100_000 }, logEvery: 1000, env, seed: 0 }),
  },
];

export const suite = defineSuite({
  name: 'rl-train',
  summary: 'training end to end: PPO on HalfCheetah, SAC on Hopper; with --nightly what PPO learns, beside CleanRL',
  parts: ['HalfCheetah-v5', 'Hopper-v5', 'Walker2d-v5'],
  nightly: true,
  async *run(context) {
    if (context.options.nightly) {
      yield* nightlyReturns(context);
      return;
    }
    const peer = await context.peer('rl_train.py');
    for (const task of tasks) {
      if (!context.wants(task.env)) continue;
      const physics = { seconds: 0 };
      using agent = await task.agent(async () => timed((await makeEnv(task.env)) as Env, physics));
      const train = async (calls: number): Promise<void> => {
        await agent.run({ steps: agent.step + calls * task.steps });
      };
      // SAC learns only after its first random steps
      if (task.case === 'sac') await agent.run({ steps: sac.learningStarts });
      const comparison: Comparison = {
        name: `${task.name}, 100k steps`,
        unit: 's',
        value: (seconds) => (seconds * 100_000) / task.steps,
        goal,
        work: train,
        against: { peer, case: task.case, arguments: { ...(task.case === 'ppo' ? ppo : sac), env: task.env } },
        sampling: { rounds: 7, roundSeconds: 1, budgetSeconds: 30 },
      };
      yield await compare(context, comparison);
      const share = await overhead(context, task, agent, physics);
      if (share !== undefined) yield share;
    }
  },
});

/** An environment whose steps and resets are added up. */
function timed(env: Env, physics: { seconds: number }): Env {
  for (const name of ['step', 'reset'] as const) {
    const original = env[name].bind(env) as (...args: unknown[]) => unknown;
    (env as unknown as Record<string, unknown>)[name] = (...args: unknown[]): unknown => {
      const began = performance.now();
      try {
        return original(...args);
      } finally {
        physics.seconds += (performance.now() - began) / 1000;
      }
    };
  }
  return env;
}

/**
 * What is neither environment nor kernel, in percent: by the native backend's own times. Measured after the rounds of the
 * comparison and some seconds more with the kernels' clock on: a run of 100k steps is compiled for most of its time.
 */
async function overhead(
  { backend }: SuiteContext,
  task: Task,
  agent: Agent,
  physics: { seconds: number },
): Promise<BenchRow | undefined> {
  const native = await nativePackage();
  if (backend !== 'native' || native === undefined) return undefined;
  native.setProfiling(true);
  const trainFor = async (seconds: number, steps: number): Promise<number> => {
    const [began, first] = [performance.now(), agent.step];
    const passed = (): number => (performance.now() - began) / 1000;
    while (passed() < seconds || agent.step - first < steps) await agent.run({ steps: agent.step + task.steps });
    return passed();
  };
  await trainFor(warmUpSeconds, 0);
  const kernelSeconds = (): number =>
    native.kernelTimes().reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  const before = { physics: physics.seconds, kernels: kernelSeconds() };
  const whole = await trainFor(2, 1000);
  const kernels = kernelSeconds() - before.kernels;
  native.setProfiling(false);
  const share = (whole - (physics.seconds - before.physics) - kernels) / whole;
  const row = known({
    name: `${task.name}, agent’s own time`,
    unit: '%',
    ours: 100 * share,
    peer: null,
    hostKernels: 0,
  });
  return { ...row, ratio: mostOverhead / share, goal: 1 };
}

// Agents on control-envs' environments that are stopped inside an episode go on to the bit.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EpisodeStatistics, FrameStack, makeEnv, makeVectorEnv, TimeLimit } from '@gimbal/control-envs';
import { OffPolicyAgent, OnPolicyAgent, ppo, sac } from '@gimbal/fma-pg';
import { type Env, useBackend, type VectorEnv } from '@gimbal/tensor-core';

type Row = { readonly [metric: string]: number };
type Agent = OnPolicyAgent | OffPolicyAgent;
type Source = (() => Promise<Env>) | VectorEnv;

const rows = async (agent: Agent, steps: number): Promise<Row[]> => {
  const all: Row[] = [];
  for await (const { stepsPerSecond: _, ...row } of agent.train({ steps })) all.push(row);
  return all;
};

const onPolicy = {
  create: (env: Source) =>
    OnPolicyAgent.create({ ...ppo(), env, numEnvs: 2, rollout: 16, epochs: 2, minibatches: 2, hidden: [8], seed: 1 }),
  resume: (dir: string, env: Source) => OnPolicyAgent.resume(dir, { env }),
};
const offPolicy = {
  create: (env: Source) =>
    OffPolicyAgent.create({
      ...sac({ hidden: [8], batchSize: 8, learningStarts: 32, trainEvery: 16, logEvery: 32 }),
      env,
      numEnvs: 2,
      seed: 1,
      buffer: { capacity: 500, nStep: 2 },
    }),
  resume: (dir: string, env: Source) => OffPolicyAgent.resume(dir, { env }),
};

// 32 steps of each copy, of episodes that end elsewhere
test.each([
  ['PPO on CartPole, which draws each reset', onPolicy, async () => () => makeEnv('CartPole-v1')],
  [
    'SAC on Pendulum, whose time limit is a clock',
    offPolicy,
    async () => () => makeEnv('Pendulum-v1', { maxSteps: 25 }),
  ],
  ['SAC on Hopper, in MuJoCo', offPolicy, async () => () => makeEnv('Hopper-v5', { maxSteps: 25 })],
  [
    'SAC on Pendulum in wrappers',
    offPolicy,
    async () => async () => new EpisodeStatistics(new FrameStack(new TimeLimit(await makeEnv('Pendulum-v1'), 25), 2)),
  ],
  [
    'PPO on Pendulum, on a worker thread',
    onPolicy,
    async () => makeVectorEnv('Pendulum-v1', { numEnvs: 2, workers: 1, options: { maxSteps: 25 } }),
  ],
  [
    'SAC on copies in wrappers, one after another',
    offPolicy,
    async () => makeVectorEnv(async () => new TimeLimit(await makeEnv('Pendulum-v1'), 25), { numEnvs: 2 }),
  ],
] as const)(
  '%s',
  async (_, { create, resume }, source) => {
    await useBackend('cpu');
    const dir = await mkdtemp(join(tmpdir(), 'gimbal-resume-'));
    const sources: Source[] = [];
    const made = async (): Promise<Source> => {
      const one = await source();
      sources.push(one);
      return one;
    };
    try {
      using whole: Agent = await create(await made());
      await rows(whole, 64);
      const wanted = await rows(whole, 192);
      using first: Agent = await create(await made());
      await rows(first, 64);
      await first.save(dir);
      using second: Agent = await resume(dir, await made());
      expect(await rows(second, 192)).toEqual(wanted);
      expect(wanted.some(({ episodes }) => (episodes as number) > 0)).toBe(true);
    } finally {
      for (const one of sources) if (typeof one !== 'function') one.close();
      await rm(dir, { recursive: true });
    }
  },
  60_000,
);

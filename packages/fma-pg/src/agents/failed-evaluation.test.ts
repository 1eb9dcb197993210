// An evaluation that fails is made again, and the line of its update is not lost.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics, useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { OffPolicyAgent, OnPolicyAgent } from '../index.ts';

beforeAll(() => useBackend('auto'));

let isDown = false;
class Failing extends Track {
  override step(action: number): ReturnType<Track['step']> {
    if (isDown) throw new Error('away');
    return super.step(action);
  }
}
const env = (): Track => new Track();
const evalEnv = (): Track => new Failing();
const base = { env, evalEnv, evalEvery: 40, evalEpisodes: 1, hidden: [4], seed: 1 };
const kinds = {
  'on policy': {
    create: (o: object) => OnPolicyAgent.create({ ...base, rollout: 20, ...o }),
    resume: (dir: string) => OnPolicyAgent.resume(dir, { env, evalEnv, out: undefined }),
  },
  'off policy': {
    create: (o: object) =>
      OffPolicyAgent.create({ ...base, algorithm: 'dqn', learningStarts: 8, batchSize: 4, logEvery: 20, ...o }),
    resume: (dir: string) => OffPolicyAgent.resume(dir, { env, evalEnv, out: undefined }),
  },
} as const;

test.each(Object.keys(kinds) as (keyof typeof kinds)[])('%s, it comes first where training goes on', async (kind) => {
  const dir = await mkdtemp(join(tmpdir(), 'evaluation-'));
  const { create, resume } = kinds[kind];
  const lines = async (agent: OnPolicyAgent | OffPolicyAgent): Promise<object[]> => {
    const all: object[] = [];
    for await (const { stepsPerSecond: _, ...line } of agent.train({ steps: 80 })) all.push(line);
    return all;
  };
  try {
    using whole: OnPolicyAgent | OffPolicyAgent = await create({});
    const wanted = await lines(whole);
    using agent: OnPolicyAgent | OffPolicyAgent = await create({ out: join(dir, 'run') });
    isDown = true;
    await expect(lines(agent)).rejects.toThrow('away');
    expect(agent.step).toBeLessThan(40);
    await agent.save(join(dir, 'saved'));
    isDown = false;
    using second: OnPolicyAgent | OffPolicyAgent = await resume(join(dir, 'saved'));
    expect(await lines(second)).toEqual(wanted.slice(1));
    expect(await lines(agent)).toEqual(wanted.slice(1));
    const logged = await readMetrics(join(dir, 'run'));
    expect(logged.map(({ step }) => step)).toEqual([20, 40, 60, 80]);
    expect(agent.best).toBe(whole.best);
  } finally {
    isDown = false;
    await rm(dir, { recursive: true });
  }
});

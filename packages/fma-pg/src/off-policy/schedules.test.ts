// What changes over a run: the share of random actions, β, targets that are copied; and that an update leaves no tensor behind.
import { useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { Track } from '../../test/fixtures/track.ts';
import { dqn, linear, mdpoOffPolicy, OffPolicyAgent, type OffPolicyOptions, td3 } from '../index.ts';
import { Dqn } from './dqn.ts';
import { Sac } from './sac.ts';

beforeAll(() => useBackend('auto'));

const create = (o: Partial<OffPolicyOptions>): Promise<OffPolicyAgent> =>
  OffPolicyAgent.create({
    env: () => new Track({ actions: o.algorithm === 'dqn' ? 'discrete' : 'continuous' }),
    ...{ hidden: [4], batchSize: 4, learningStarts: 4, seed: 1 },
    ...o,
    buffer: { capacity: 1000, ...o.buffer },
  });

test('explorationFraction is the share of the run in which random actions become rarer', async () => {
  // with a rate of next to nothing the best action of a state stays what it is
  const exploration = { exploration: linear(1, 0), explorationFraction: 0.25, learningStarts: 4 };
  using agent = await create(
    dqn({ ...exploration, learningRate: 1e-12, trainEvery: 50, updates: 1, buffer: { nStep: 1 } }),
  );
  await agent.run({ steps: 400 });
  const { obs, actions } = agent.buffer;
  const best = new Float32Array(400);
  agent.actRows(obs.slice(0, 800), 400, best);
  const others = (from: number, to: number): number =>
    best.subarray(from, to).reduce((n, a, i) => n + Number(a !== actions[from + i]), 0);
  expect(others(100, 400)).toBe(0);
  // two of three random actions are others: 2/3 of .75 and of .25 on average
  expect(others(0, 50)).toBeGreaterThan(18);
  expect(others(50, 100)).toBeGreaterThan(2);
  expect(others(50, 100)).toBeLessThan(16);
});

test('with an explorationFraction of 0 exploration is at its end from the first action on', async () => {
  const told: number[] = [];
  const exploration = (progress: number): number => {
    told.push(progress);
    return 1 - progress;
  };
  using agent = await create(
    dqn({ exploration, explorationFraction: 0, trainEvery: 20, updates: 1, learningStarts: 4 }),
  );
  told.length = 0;
  await agent.run({ steps: 20 });
  expect(told).toEqual(Array(16).fill(1));
});

test('β has gone to 1 when the run ends', async () => {
  using agent = await create(dqn({ trainEvery: 10, updates: 1, learningStarts: 10, buffer: { prioritized: true } }));
  const { buffer } = agent;
  const told: (number | undefined)[] = [];
  const sample = buffer.sample.bind(buffer);
  buffer.sample = (rows, r, progress) => {
    told.push(progress);
    return sample(rows, r, progress);
  };
  await agent.run({ steps: 40 });
  expect(told).toEqual([0.25, 0.5, 0.75, 1]);
});

test.each<[string, { prototype: { copyTarget(): void } }, Partial<OffPolicyOptions>]>([
  ['dqn', Dqn, dqn({ targetEvery: 15, buffer: { nStep: 1 } })],
  ['mdpo', Sac, mdpoOffPolicy({ targetEvery: 15 })],
])('the target of %s is copied each targetEvery environment steps', async (_, { prototype }, preset) => {
  using agent = await create({ ...preset, trainEvery: 10, updates: 1, learningStarts: 10 });
  const copied: number[] = [];
  const { copyTarget } = prototype;
  prototype.copyTarget = function () {
    copied.push(agent.buffer.written[0] as number);
    copyTarget.call(this);
  };
  try {
    await agent.run({ steps: 50 });
  } finally {
    prototype.copyTarget = copyTarget;
  }
  expect(copied).toEqual([15, 30, 45]);
});

test.each<[string, Partial<OffPolicyOptions>]>([
  ['dqn', dqn({ batchSize: 8, trainEvery: 1, updates: 5, targetEvery: 10, buffer: { prioritized: true } })],
  ['td3', td3({ updates: 5 })],
  ['mdpo', mdpoOffPolicy({ updates: 5, targetEvery: 20 })],
])('a thousand updates of %s leave no tensor behind', async (_, preset) => {
  using agent = await create({ ...preset, learningStarts: 4, logEvery: 50 });
  const counts: number[] = [];
  let last = 0;
  for await (const { updates } of agent.train({ steps: 260 })) {
    counts.push(memory().numTensors);
    last = updates;
  }
  expect(last).toBeGreaterThan(1000);
  expect(counts).toEqual(counts.map(() => counts[0]));
});

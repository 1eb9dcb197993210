import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GoalEnv, rng, type Space, squashedGaussian, useBackend } from '@gimbal/tensor-core';
import { add, div, exp, memory, mul, split, sub, type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import { Track, type TrackOptions } from '../../test/fixtures/track.ts';
import {
  dqn,
  evaluate,
  mdpoOffPolicy,
  OffPolicyAgent,
  type OffPolicyOptions,
  type OffPolicyStep,
  sac,
  td3,
} from '../index.ts';
import { Dqn } from './dqn.ts';
import { oldLogProb } from './proximal.ts';
import { smoothedAction } from './td3.ts';

beforeAll(() => useBackend('auto'));

const small = {
  hidden: [32],
  batchSize: 32,
  gamma: 0.9,
  learningStarts: 100,
  learningRate: 3e-3,
  seed: 1,
  logEvery: 200,
};
const make = (o: Partial<OffPolicyOptions>, track: TrackOptions = {}): Promise<OffPolicyAgent> =>
  OffPolicyAgent.create({
    env: () => new Track({ actions: o.algorithm === 'dqn' ? 'discrete' : 'continuous', ...track }),
    ...small,
    ...o,
    buffer: { capacity: 5000, ...o.buffer },
  });

describe('each algorithm learns to walk to 0', () => {
  test.each([
    ['sac', sac({ alpha: 0.1 })],
    ['td3', td3({ learningStarts: 100 })],
    ['mdpo', mdpoOffPolicy({ alpha: 0.1, targetEvery: 100 })],
    [
      'dqn',
      dqn({ trainEvery: 2, updates: 1, learningRate: 3e-3, batchSize: 32, targetEvery: 50, explorationFraction: 0.5 }),
    ],
    [
      'dqn',
      dqn({
        trainEvery: 2,
        updates: 1,
        learningRate: 3e-3,
        batchSize: 32,
        targetEvery: 50,
        buffer: { prioritized: true, nStep: 3 },
      }),
    ],
  ] as const)('%s', async (_, preset) => {
    using agent = await make({ ...preset, learningStarts: 100 });
    await agent.run({ steps: 3000 });
    const { mean } = await evaluate(agent, { episodes: 20, seed: 3 });
    expect(mean).toBeGreaterThan(-3.5); // standing still gets −10
  });
});

test.each(['sac', 'td3', 'dqn', 'mdpo'] as const)(
  'resumed, %s goes on to the bit, buffer and streams included',
  async (algorithm) => {
    const options = {
      algorithm,
      buffer: { capacity: 300, prioritized: algorithm === 'dqn', nStep: 2 },
      trainEvery: 4,
      numEnvs: 2,
    };
    const numbers = (s: OffPolicyStep | undefined): object => ({ ...s, stepsPerSecond: 0 });
    const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
    try {
      const all: OffPolicyStep[] = [];
      using whole = await make(options);
      for await (const s of whole.train({ steps: 800 })) all.push(s);
      using first = await make(options);
      const iterator = first.train({ steps: 800 });
      for (let i = 0; i < 2; i++) await iterator.next();
      await iterator.return?.({ aborted: false });
      await first.save(join(dir, 'half'));
      const env = (): Track => new Track({ actions: algorithm === 'dqn' ? 'discrete' : 'continuous' });
      using second = await OffPolicyAgent.resume(join(dir, 'half'), { env });
      const rest: OffPolicyStep[] = [];
      for await (const s of second.train({ steps: 800 })) rest.push(s);
      expect(rest.map(numbers)).toEqual(all.slice(2).map(numbers));
      await expect(OffPolicyAgent.resume(join(dir, 'half'), { env, batchSize: 8 })).rejects.toThrow(
        'batchSize differs',
      );
    } finally {
      await rm(dir, { recursive: true });
    }
  },
);

test('where learning comes in bouts, the lines of a resumed run between two have the numbers of the last update', async () => {
  const options = { algorithm: 'dqn', trainEvery: 64, updates: 2, learningStarts: 64, logEvery: 10 } as const;
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    const linesOf = async (agent: OffPolicyAgent, until: number): Promise<OffPolicyStep[]> => {
      const lines: OffPolicyStep[] = [];
      for await (const s of agent.train({ steps: 160 })) {
        lines.push({ ...s, stepsPerSecond: 0 });
        if (s.step === until) break;
      }
      return lines;
    };
    using whole = await make(options);
    const all = await linesOf(whole, 160);
    using first = await make(options);
    await linesOf(first, 80);
    await first.save(dir);
    using second = await OffPolicyAgent.resume(dir, { env: () => new Track({ actions: 'discrete' }) });
    const rest = await linesOf(second, 160);
    expect(rest[0]?.criticLoss).toBeGreaterThan(0);
    expect(rest).toEqual(all.slice(8));
  } finally {
    await rm(dir, { recursive: true });
  }
});

test.each<[Partial<OffPolicyOptions>, number, number[]]>([
  [{ evalEvery: 20, logEvery: 100 }, 100, [20, 40, 60, 80, 100]],
  [{ evalEvery: 150, logEvery: 200 }, 400, [150, 300, 400]],
  // learns in bouts, and acts in between
  [
    { ...dqn(), trainEvery: 256, updates: 1, buffer: { nStep: 1 }, evalEvery: 150, logEvery: 1000 },
    512,
    [150, 300, 450, 512],
  ],
])('evaluations come each evalEvery steps, whatever the lines of the log: %#', async (options, steps, wanted) => {
  using agent = await make({ ...options, learningStarts: 40, batchSize: 16, evalEpisodes: 1 });
  const at: number[] = [];
  for await (const row of agent.train({ steps })) if (row.evalReturn !== undefined) at.push(row.step);
  expect(at).toEqual(wanted);
});

test('MDPO’s older policy gives the same actions the density that it would give its own', () => {
  const limits = { minLogStd: -20, maxLogStd: 2 };
  const draws = rng(5);
  const row = (n: number): Tensor =>
    tensor2d(
      Float32Array.from({ length: 4 * n }, () => 0.5 * draws.normal()),
      [4, n],
    );
  const [outputs, before, noise] = [row(4), row(4), row(2)];
  const p = squashedGaussian(outputs, noise, limits);
  // the same u = μ + σ·noise in the other's units
  const [[mu, s], [oldMu, oldS]] = [split(outputs, 2, 1), split(before, 2, 1)] as [[Tensor, Tensor], [Tensor, Tensor]];
  const ofOld = div(sub(add(mu, mul(exp(s), noise)), oldMu), exp(oldS));
  const wanted = squashedGaussian(before, ofOld, limits);
  for (const [i, x] of wanted.action.dataSync().entries()) expect(p.action.dataSync()[i]).toBeCloseTo(x, 5);
  const got = oldLogProb(outputs, before, noise, p.logProb, limits).dataSync();
  for (const [i, x] of wanted.logProb.dataSync().entries()) expect(got[i]).toBeCloseTo(x, 4);
});

test('TD3’s target noise: different for equal states, .4 before a clip at 1 on a range of ±2, inside the range', () => {
  const action = tensor2d(new Float32Array(20_000), [10_000, 2]);
  const noise = rng(1).normalTensor([10_000, 2]);
  const scaled = [...smoothedAction(action, noise, 0.2, 0.5).dataSync<'float32'>()].map((a) => 2 * a);
  expect(scaled[0]).not.toBe(scaled[2]);
  const std = Math.sqrt(scaled.reduce((total, a) => total + a * a, 0) / scaled.length);
  expect(Math.abs(std - 0.4)).toBeLessThan(0.01);
  expect(Math.max(...scaled.map(Math.abs))).toBeLessThanOrEqual(1.0001);
  const edge = smoothedAction(tensor2d([[1, -1]]), tensor2d([[3, -3]]) as Tensor, 0.2, 0.5).dataSync();
  expect([...edge]).toEqual([1, -1]);
});

test('hindsight learns a task whose reward says nothing but reached or not', async () => {
  const tolerance = 0.15;
  class Reach extends Track implements GoalEnv {
    override readonly observationSpace: Space;
    #goal = 0;
    #place = 0;
    #goals = rng(0);
    constructor() {
      super({ actions: 'continuous', limit: 15 });
      const box: Space = {
        kind: 'box',
        shape: [1],
        dtype: 'float32',
        low: Float64Array.of(-9),
        high: Float64Array.of(9),
      };
      this.observationSpace = { kind: 'dict', spaces: { achieved_goal: box, desired_goal: box } };
    }
    achieved = (): Float32Array => Float32Array.of(this.#place);
    desired = (): Float32Array => Float32Array.of(this.#goal);
    setGoal(goal: Float32Array): void {
      this.#goal = goal[0] as number;
    }
    computeReward(a: Float32Array, g: Float32Array): { reward: number; terminated: boolean } {
      return { reward: Math.abs((a[0] as number) - (g[0] as number)) < tolerance ? 0 : -1, terminated: false };
    }
    override reset(o: { seed?: number } = {}): ReturnType<Track['reset']> {
      if (o.seed !== undefined) this.#goals = rng(o.seed).split('goal');
      const { obs } = super.reset(o);
      this.#goal = 3 * this.#goals.uniform() - 1.5;
      return { obs: this.#seen(obs as Float32Array), info: {} };
    }
    override step(action: Float32Array): ReturnType<Track['step']> {
      const result = super.step(action);
      const obs = this.#seen(result.obs as Float32Array);
      return { ...result, obs, ...this.computeReward(this.achieved(), this.desired()) };
    }
    #seen(obs: Float32Array): { [key: string]: Float32Array } {
      this.#place = obs[0] as number;
      return { achieved_goal: this.achieved(), desired_goal: this.desired() };
    }
  }
  using agent = await OffPolicyAgent.create({
    env: () => new Reach(),
    ...small,
    alpha: 0.1,
    buffer: { capacity: 5000, her: {} },
  });
  await agent.run({ steps: 4000 });
  // 15 steps of at most .2: at most 2.5 away, which takes 12; the best mean return is about −6
  const { mean } = await evaluate(agent, { episodes: 30, seed: 3 });
  expect(mean).toBeGreaterThan(-9.5);
});

test('tensors stay level; a mask is obeyed; spaces that do not fit are refused', async () => {
  using agent = await make({});
  await agent.run({ steps: 300 });
  const before = memory().numTensors;
  await agent.run({ steps: 600 });
  expect(memory().numTensors).toBe(before);
  using masked = await make({ algorithm: 'dqn' }, { masks: true });
  await masked.run({ steps: 200 });
  // what the next state allows is remembered, of the final state of an episode too (20 steps each)
  for (let i = 0; i < masked.buffer.size; i++)
    expect([...(masked.buffer.nextMasks as Float32Array).subarray(3 * i, 3 * i + 3)]).toEqual(
      (masked.buffer.nextObs[2 * i] as number) > 0 ? [1, 1, 0] : [0, 1, 1],
    );
  for (let i = 0; i < masked.buffer.size; i++)
    expect([(masked.buffer.obs[2 * i] as number) > 0, masked.buffer.actions[i]]).not.toEqual([
      (masked.buffer.obs[2 * i] as number) > 0,
      (masked.buffer.obs[2 * i] as number) > 0 ? 2 : 0,
    ]);
  await expect(make({ algorithm: 'sac' }, { actions: 'discrete' })).rejects.toThrow(
    'sac, action space: sac needs continuous actions; got "discrete"',
  );
  await expect(make({ algorithm: 'dqn' }, { actions: 'continuous' })).rejects.toThrow('dqn needs discrete actions');
  await expect(make({ explorationNoise: -1 })).rejects.toThrow('explorationNoise: out of range; got -1');
  await expect(make({ targetEntropy: Number.NaN })).rejects.toThrow('targetEntropy: out of range; got NaN');
  const rewardSource = { reward: ({ rows }: { rows: number }) => new Float32Array(rows) };
  await expect(make({ rewardSource, buffer: { nStep: 3 } })).rejects.toThrow(
    'buffer.nStep: rewardSource rewards single',
  );
  await expect(make({ rewardSource, buffer: { her: {} } })).rejects.toThrow('buffer.her: rewardSource rewards single');
  using never = await make({ learningStarts: 100 });
  await expect(never.run({ steps: 99 })).rejects.toThrow(
    'all steps are before the first update; got 99, wanted at least 100',
  );
  await expect(make({ buffer: { her: {} } })).rejects.toThrow('buffer.her: the environment has no goals');
  class Unbounded extends Track {
    override readonly actionSpace: Space = {
      kind: 'box',
      shape: [1],
      dtype: 'float32',
      low: Float64Array.of(Number.NEGATIVE_INFINITY),
      high: Float64Array.of(1),
    };
  }
  await expect(OffPolicyAgent.create({ env: () => new Unbounded({ actions: 'continuous' }), seed: 0 })).rejects.toThrow(
    'sac, action component 0: the bounds are no finite interval; got "[-Infinity, 1]"',
  );
});

test('what is learnt from are the source’s rewards, and none of them is stored', async () => {
  const [paid, learnt]: [number[][], number[][]] = [[], []];
  const rewardSource = {
    reward({ rows, obs }: { rows: number; obs: Float32Array }): Float32Array {
      const rewards = Float32Array.from({ length: rows }, (_, i) => 100 + (obs[2 * i] as number));
      paid.push([...rewards]);
      return rewards;
    },
  };
  const { update } = Dqn.prototype;
  Dqn.prototype.update = function (batch, rate) {
    learnt.push([...batch.rewards]);
    return update.call(this, batch, rate);
  };
  try {
    const often = { trainEvery: 10, updates: 2, batchSize: 4, learningStarts: 20, buffer: { nStep: 1 } };
    using agent = await make({ ...dqn(), ...often, rewardSource });
    await agent.run({ steps: 40 });
    // the environment pays −|x|
    expect(Math.max(...agent.buffer.rewards)).toBeLessThanOrEqual(0);
  } finally {
    Dqn.prototype.update = update;
  }
  expect(learnt).toHaveLength(6);
  expect(learnt).toEqual(paid);
});

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flatten, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { Track, type TrackOptions } from '../../test/fixtures/track.ts';
import {
  evaluate,
  linear,
  OnPolicyAgent,
  type OnPolicyOptions,
  type OnPolicyStep,
  onPolicyPresets,
  surrogates,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const small = { numEnvs: 4, rollout: 16, hidden: [16], seed: 1 } as const;
const make = (o: Partial<OnPolicyOptions> = {}, track: TrackOptions = {}): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env: () => new Track(track), ...small, ...o });
const steps = async (agent: OnPolicyAgent, n: number): Promise<OnPolicyStep[]> => {
  const all: OnPolicyStep[] = [];
  for await (const s of agent.train({ steps: n })) all.push(s);
  return all;
};
const numbers = (s: OnPolicyStep | undefined): object => ({ ...s, stepsPerSecond: 0 });

describe('every method learns to walk to 0', () => {
  // a random walk gets about −12 in 20 steps, standing still −10, the best policy about −1.5
  const cases: [string, Partial<OnPolicyOptions>][] = Object.entries(onPolicyPresets).map(([name, preset]) => {
    // a natural-gradient step has a length of its own
    const tuned = preset().method === undefined ? { learningRate: 0.01 } : {};
    const p = preset({ normalize: { obs: false, reward: false }, ...tuned });
    const split = p.method === undefined && p.minibatches !== 1 ? { minibatches: 2, epochs: 4 } : {};
    return [name, { ...p, ...split, numEnvs: 8, rollout: name === 'a2c' ? 5 : 32, gamma: 0.9 }];
  });
  test.each(cases)('%s', async (_, options) => {
    using agent = await make(options);
    await agent.run({ steps: 8000 });
    const { mean } = await evaluate(agent, { episodes: 20, seed: 3 });
    expect(mean).toBeGreaterThan(-3.5);
  });
});

test.each(['continuous', 'multi-discrete'] as const)('%s actions', async (actions) => {
  using agent = await make({ learningRate: 0.01, gamma: 0.9, numEnvs: 8, rollout: 32 }, { actions });
  await agent.run({ steps: 12_000 });
  const { mean, ci95, iqm } = await evaluate(agent, { episodes: 20, seed: 3 });
  expect(mean).toBeGreaterThan(-4);
  expect(ci95[0]).toBeLessThanOrEqual(mean);
  expect(ci95[1]).toBeGreaterThanOrEqual(mean);
  expect(iqm).toBeLessThan(0);
});

test('a mask is obeyed in training and in evaluation', async () => {
  using agent = await make({}, { masks: true });
  const [first] = await steps(agent, 128);
  // two of three actions are allowed: the entropy of a fresh policy is ln 2, not ln 3
  expect(first?.entropy).toBeCloseTo(Math.LN2, 2);
  const { returns } = await evaluate(agent, {
    episodes: 5,
    deterministic: false,
    seed: 1,
    env: () => new Track({ masks: true }),
  });
  // never away from 0: from |x| ≤ 1, overshoot of at most .2
  for (const r of returns) expect(r).toBeGreaterThan(-21);
});

test('masks that come with steps only hold from the first on; what was done without stays without', async () => {
  class Late extends Track {
    constructor() {
      super({ masks: true });
    }
    override reset(o?: { seed?: number }): ReturnType<Track['reset']> {
      return { ...super.reset(o), info: {} };
    }
  }
  using agent = await OnPolicyAgent.create({ env: () => new Late(), ...small });
  // of 16 steps of a copy one begins an episode, without a mask: the first, and, of the next 16, the fifth
  const wanted = (15 * Math.LN2 + Math.log(3)) / 16;
  for (const { entropy } of await steps(agent, 128)) expect(entropy).toBeCloseTo(wanted, 2);
});

test('recentReturn is the mean of the last 100 episodes', async () => {
  // a rollout is one episode
  using agent = await make({ numEnvs: 1, rollout: 20, epochs: 1, minibatches: 1 });
  const rows = await steps(agent, 20 * 103);
  const returns = rows.map((row) => row.episodeReturn);
  for (const n of [1, 2, 100, 103]) {
    const last = returns.slice(Math.max(0, n - 100), n);
    expect(rows[n - 1]?.recentReturn).toBeCloseTo(last.reduce((a, b) => a + b) / last.length, 10);
  }
});

test('a2c is RMSProp’s, as Stable-Baselines3 sets it', async () => {
  expect(onPolicyPresets.a2c().optimizer).toEqual({ name: 'rmsprop', decay: 0.99, epsilon: 1e-5 });
});

test('the best evaluation is the highest: later ones that are lower, or no higher, leave it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  /** One step, paid with this. */
  class Paying extends Track {
    constructor(private readonly paid: number) {
      super({ limit: 1 });
    }
    override step(action: number | Float32Array) {
      return { ...super.step(action), reward: this.paid };
    }
  }
  try {
    const paid = [0, 1, 3, 2, 3]; // the first is only looked at, before training
    const evalEnv = (): Track => new Paying(paid.shift() as number);
    using agent = await make({ ...{ epochs: 1, minibatches: 1, out: dir }, evalEnv, evalEvery: 64, evalEpisodes: 1 });
    const best: [number | undefined, number | null][] = [];
    for await (const { evalReturn } of agent.train({ steps: 256 })) best.push([evalReturn, agent.best]);
    expect(best).toEqual([
      [1, 1],
      [3, 3],
      [2, 3],
      [3, 3],
    ]);
    using kept = await OnPolicyAgent.resume(dir, { env: () => new Track(), evalEnv }, { which: 'best' });
    expect([kept.step, kept.best]).toEqual([128, 3]);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a dictionary observation, of which the policy sees a part', async () => {
  using agent = await make({ criticObs: ['privileged'] }, { dict: true });
  await agent.run({ steps: 128 });
  expect(flatten(agent.params.policy.network)[0]?.[1].shape).toEqual([2, 16]);
  expect(flatten(agent.params.value)[0]?.[1].shape).toEqual([4, 16]);
});

test('resumed, the next updates are those of the run that was never stopped, to the bit', async () => {
  const options = {
    normalize: { obs: true, reward: true },
    learningRate: linear(0.01, 0),
    surrogate: surrogates.smdpo({ eta: linear(1, 0.5) }),
  };
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    using whole = await make(options, { ends: true });
    const all = await steps(whole, 640);
    using first = await make(options, { ends: true });
    const iterator = first.train({ steps: 640 });
    for (let i = 0; i < 5; i++) await iterator.next();
    await iterator.return?.({ aborted: false });
    await first.save(join(dir, 'half'));
    using second = await OnPolicyAgent.resume(join(dir, 'half'), { env: () => new Track({ ends: true }) });
    expect(second.step).toBe(320);
    const rest = await steps(second, 640);
    expect(rest.map(numbers)).toEqual(all.slice(5).map(numbers));
    const play = (agent: OnPolicyAgent): Promise<unknown> => evaluate(agent, { episodes: 3, seed: 5 });
    expect(await play(second)).toEqual(await play(whole));
    await expect(
      OnPolicyAgent.resume(join(dir, 'half'), { env: () => new Track({ ends: true }), gamma: 0.5 }),
    ).rejects.toThrow('gamma differs; got 0.5, wanted 0.99');
    await expect(
      OnPolicyAgent.resume(join(dir, 'half'), { env: () => new Track({ actions: 'continuous' }) }),
    ).rejects.toThrow('spaces.action');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('as many of the latest checkpoints stay as keepCheckpoints says', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    using agent = await make({ out: dir, checkpointEvery: 1, keepCheckpoints: 3 }, { ends: true });
    await agent.run({ steps: 320 });
    expect((await readdir(join(dir, 'checkpoints'))).sort()).toEqual(
      [192, 256, 320].map((step) => `step-${String(step).padStart(8, '0')}`),
    );
    await expect(make({ keepCheckpoints: 0 })).rejects.toThrow('keepCheckpoints: out of range; got 0');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('the best evaluated policy is kept beside the latest, and a run that stands is not overwritten', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fma-pg-'));
  try {
    const options = { out: dir, evalEvery: 128, evalEpisodes: 4, learningRate: 0.01, gamma: 0.9 };
    using agent = await make(options);
    const all = await steps(agent, 640);
    const returns = all.flatMap(({ evalReturn }) => (evalReturn === undefined ? [] : [evalReturn]));
    expect(returns).toHaveLength(5);
    expect(agent.best).toBe(Math.max(...returns));
    expect((await readdir(join(dir, 'checkpoints'))).length).toBeLessThanOrEqual(2);
    using best = await OnPolicyAgent.resume(dir, { env: () => new Track() }, { which: 'best' });
    expect((await evaluate(best, { episodes: 4, seed: small.seed })).mean).toBe(agent.best);
    using other = await make(options);
    await expect(other.run({ steps: 128 })).rejects.toThrow('out: a run stands there already');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('the same seed gives the same run; tensors stay level; an abort ends between two updates', async () => {
  using a = await make();
  using b = await make();
  expect((await steps(a, 256)).map(numbers)).toEqual((await steps(b, 256)).map(numbers));
  const before = memory().numTensors;
  await steps(a, 1024);
  expect(memory().numTensors).toBe(before);
  const controller = new AbortController();
  const iterator = a.train({ steps: 10_000, signal: controller.signal });
  await iterator.next();
  controller.abort();
  expect(await iterator.next()).toEqual({ done: true, value: { aborted: true } });
  expect(a.step).toBe(1024 + 64);
});

test('what is not finite is named: environment, step, component', async () => {
  using reward = await make({}, { breakAt: { step: 7, reward: Number.NaN } });
  await expect(reward.run({ steps: 64 })).rejects.toThrow('Track-v0, step 6, env 0: the reward is not finite; got NaN');
  using obs = await make({}, { breakAt: { step: 3, obs: Number.POSITIVE_INFINITY } });
  await expect(obs.run({ steps: 64 })).rejects.toThrow(
    'Track-v0, step 2, env 0: observation component 0 is not finite; got Infinity',
  );
});

test('options that make no sense are refused by name', async () => {
  await expect(make({ rollout: 1, numEnvs: 4, minibatches: 4 })).rejects.toThrow(
    'minibatches: a minibatch of one entry cannot be normalised',
  );
  await expect(make({ minibatches: 65 })).rejects.toThrow(
    'minibatches: out of range; got 65, wanted at most rollout·numEnvs = 64',
  );
  await expect(make({ gamma: 1.5 })).rejects.toThrow('gamma: out of range; got 1.5');
  await expect(make({ rolout: 3 } as never)).rejects.toThrow('Did you mean rollout?');
  await expect(make({ hidden: 64 as never })).rejects.toThrow('hidden: out of range; got 64, wanted a list');
  await expect(make({ criticObs: 'a' as never })).rejects.toThrow('criticObs: out of range; got "a"');
  await expect(make({ learningRate: -1 })).rejects.toThrow('learningRate: out of range; got -1');
  await expect(make({ checkpointEvery: 10 })).rejects.toThrow('checkpointEvery: there is nowhere to save');
  using agent = await make();
  await expect(agent.run({ steps: 10 })).rejects.toThrow(
    'fewer steps than one rollout; got 10, wanted at least rollout·numEnvs = 64',
  );
});

test('the guard takes back a pass that lowered the surrogate', async () => {
  using agent = await make({
    learningRate: 3,
    epochs: 6,
    innerGuard: 'restore',
    surrogate: surrogates.smdpo({ eta: 0.1 }),
  });
  const all = await steps(agent, 256);
  expect(all.some(({ restored }) => (restored ?? 0) > 0)).toBe(true);
});

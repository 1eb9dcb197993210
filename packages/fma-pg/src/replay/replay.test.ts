import { rng } from '@gimbal/tensor-core';
import { NStep } from './n-step.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { SumTree } from './sum-tree.ts';

const row = (...x: number[]): Float32Array => Float32Array.from(x);

test('at an episode’s end the final observation with its bootstrap, never the reset one, also after wrapping', () => {
  const buffer = new ReplayBuffer(1, 1, 1, 0.9, { capacity: 10 });
  // episodes of 3 ended by truncation: states 100e, 100e + 1, 100e + 2, final 100e + 3
  for (let e = 0; e < 8; e++)
    for (let t = 0; t < 3; t++)
      buffer.add(0, {
        obs: row(100 * e + t),
        action: row(0),
        reward: t,
        nextObs: row(100 * e + t + 1),
        discount: 0.9,
        episode: e,
      });
  expect(buffer.size).toBe(10);
  const batch = buffer.sample(500, rng(1));
  for (let k = 0; k < 500; k++) {
    expect(batch.nextObs[k]).toBe((batch.obs[k] as number) + 1);
    expect(batch.discounts[k]).toBeCloseTo(0.9, 6);
    expect(batch.obs[k] as number).toBeGreaterThanOrEqual(402); // only the last ten are there
  }
});

test('n steps by hand: full ones, and shorter ones where the episode ends', () => {
  const buffer = new ReplayBuffer(1, 1, 1, 0.5, { capacity: 10, nStep: 3 });
  const steps = new NStep(buffer, 3, 0.5);
  for (let t = 0; t < 4; t++)
    steps.add(0, {
      obs: row(t),
      action: row(t),
      reward: 1,
      nextObs: row(t + 1),
      terminated: t === 3,
      truncated: false,
      episode: 0,
    });
  // 1 + .5 + .25 to state 3; then 1.75, 1.5, 1 to the end
  expect([...buffer.rewards.subarray(0, 4)]).toEqual([1.75, 1.75, 1.5, 1]);
  expect([...buffer.nextObs.subarray(0, 4)]).toEqual([3, 4, 4, 4]);
  expect([...buffer.discounts.subarray(0, 4)]).toEqual([0.125, 0, 0, 0]);
  const cut = new ReplayBuffer(1, 1, 1, 0.5, { capacity: 10, nStep: 3 });
  const other = new NStep(cut, 3, 0.5);
  for (let t = 0; t < 2; t++)
    other.add(0, {
      obs: row(t),
      action: row(t),
      reward: 1,
      nextObs: row(t + 1),
      terminated: false,
      truncated: t === 1,
      episode: 0,
    });
  expect([...cut.discounts.subarray(0, 2)]).toEqual([0.25, 0.5]); // truncated: γ² and γ stay
});

test('equal priorities weigh 1; the largest weight is 1 and the rare row of high priority the smallest', () => {
  const buffer = new ReplayBuffer(1, 1, 1, 0.9, { capacity: 100, prioritized: { alpha: 1, beta: 0.4 } });
  for (let i = 0; i < 100; i++)
    buffer.add(0, { obs: row(i), action: row(0), reward: 0, nextObs: row(0), discount: 0.9, episode: 0 });
  expect(new Set(buffer.sample(64, rng(1)).weights)).toEqual(new Set([1]));
  const all = Int32Array.from({ length: 100 }, (_, i) => i);
  buffer.setPriorities(
    all,
    Float32Array.from(all, (i) => (i === 7 ? 10 : 1)),
  );
  const { weights, indices } = buffer.sample(2000, rng(2));
  expect(Math.max(...weights)).toBe(1);
  const share = indices.filter((i) => i === 7).length / 2000;
  expect(Math.abs(share - 10 / 109)).toBeLessThan(0.01);
  expect(weights[indices.indexOf(7)]).toBeCloseTo(10 ** -0.4, 3);
});

test('β goes to 1 with the progress of a run', () => {
  const buffer = new ReplayBuffer(1, 1, 1, 0.9, { capacity: 4, prioritized: { alpha: 1, beta: 0.4 } });
  for (let i = 0; i < 4; i++)
    buffer.add(0, { obs: row(i), action: row(0), reward: 0, nextObs: row(0), discount: 0.9, episode: 0 });
  buffer.setPriorities(Int32Array.of(0, 1, 2, 3), Float32Array.of(1, 1, 1, 8));
  for (const [progress, beta] of [
    [0, 0.4],
    [0.5, 0.7],
    [1, 1],
    [2, 1],
  ] as const) {
    const { weights, indices } = buffer.sample(40, rng(4), progress);
    // (8P)^−β / P^−β
    expect(weights[indices.indexOf(3)]).toBeCloseTo(8 ** -beta, 4);
    expect(weights[indices.indexOf(0)]).toBe(1);
  }
});

test('hindsight: each new goal is a later state of the same episode; overwritten starts are never used', () => {
  const goals = {
    achieved: { from: 0, size: 1 },
    desired: { from: 1, size: 1 },
    reward: (a: Float32Array, g: Float32Array) => ({ reward: a[0] === g[0] ? 1 : 0, terminated: a[0] === g[0] }),
  };
  for (const strategy of ['future', 'final', 'geometric'] as const) {
    const buffer = new ReplayBuffer(1, 2, 1, 0.9, { capacity: 15, her: { fraction: 1, strategy } }, goals);
    let state = 0;
    for (const [e, length] of [10, 20].entries()) {
      for (let t = 0; t < length; t++, state++)
        buffer.add(0, {
          obs: row(state, -1),
          action: row(0),
          reward: 0,
          nextObs: row(state + 1, -1),
          discount: 0.9,
          episode: e,
        });
    }
    const batch = buffer.sample(600, rng(3));
    let own = 0;
    for (let k = 0; k < 600; k++) {
      const [at, goal] = [batch.obs[2 * k] as number, batch.obs[2 * k + 1] as number];
      expect(at).toBeGreaterThanOrEqual(15); // 30 steps were made, 15 are left
      expect(goal).toBeGreaterThan(at);
      expect(goal).toBeLessThanOrEqual(30);
      expect(batch.nextObs[2 * k + 1]).toBe(goal);
      expect(batch.rewards[k]).toBe(goal === at + 1 ? 1 : 0);
      expect(batch.discounts[k]).toBeCloseTo(goal === at + 1 ? 0 : 0.9, 6);
      if (strategy === 'final') expect(goal).toBe(30);
      if (goal === at + 1) own++;
    }
    expect(own).toBeGreaterThan(0);
  }
});

test('goals of the geometric strategy lie γ as often one step further', () => {
  const goals = {
    achieved: { from: 0, size: 1 },
    desired: { from: 1, size: 1 },
    reward: () => ({ reward: 0, terminated: false }),
  };
  const her = { fraction: 1, strategy: 'geometric' } as const;
  const buffer = new ReplayBuffer(1, 2, 1, 0.8, { capacity: 100, her }, goals);
  for (let t = 0; t < 100; t++)
    buffer.add(0, { obs: row(t, -1), action: row(0), reward: 0, nextObs: row(t + 1, -1), discount: 0.8, episode: 0 });
  const { obs } = buffer.sample(20_000, rng(3));
  const ahead: number[] = [];
  for (let k = 0; k < 20_000; k++) {
    const [at, goal] = [obs[2 * k] as number, obs[2 * k + 1] as number];
    if (at < 75) ahead.push(goal - at - 1); // the end cuts none of these short
  }
  for (const n of [0, 1, 2, 3]) {
    const share = ahead.filter((x) => x === n).length / ahead.length;
    // of 15 000 rows: the deviation of a share of .2 is .0033
    expect(Math.abs(share - 0.2 * 0.8 ** n)).toBeLessThan(0.012);
  }
});

test('several copies have rings of their own, and all rows are drawn', () => {
  const buffer = new ReplayBuffer(2, 1, 1, 0.9, { capacity: 9 });
  for (let i = 0; i < 7; i++)
    buffer.add(0, { obs: row(i), action: row(0), reward: 0, nextObs: row(0), discount: 0, episode: 0 });
  buffer.add(1, { obs: row(50), action: row(0), reward: 0, nextObs: row(0), discount: 0, episode: 0 });
  expect([buffer.capacity, buffer.size]).toEqual([8, 5]);
  expect(new Set(buffer.sample(200, rng(1)).obs)).toEqual(new Set([3, 4, 5, 6, 50]));
});

test('sums of a tree, and refusals', () => {
  const tree = new SumTree(5);
  for (const [i, v] of [1, 2, 0, 4, 3].entries()) tree.set(i, v);
  expect(tree.total).toBe(10);
  expect([0, 0.99, 1, 2.99, 3, 6.99, 7, 9.99].map((m) => tree.find(m))).toEqual([0, 0, 1, 1, 3, 3, 4, 4]);
  expect(() => new ReplayBuffer(1, 1, 1, 0.9).sample(1, rng(0))).toThrow('the buffer is empty');
  expect(() => new ReplayBuffer(1, 1, 1, 0.9, { capacity: 10, her: {} })).toThrow(
    'buffer.her: the environment has no goals',
  );
  const of = (o: object) => () => new ReplayBuffer(1, 1, 1, 0.9, { capacity: 10, ...o });
  expect(of({ nstep: 2 })).toThrow('buffer: unknown option nstep');
  expect(of({ prioritized: { alpha: 2 } })).toThrow('buffer.prioritized.alpha: out of range; got 2');
  expect(of({ her: { strategy: 'futur' } })).toThrow('Did you mean future?');
  const made = (numEnvs: number, observation: number, action: number, gamma: number) => () =>
    new ReplayBuffer(numEnvs, observation, action, gamma, { capacity: 10 });
  expect(made(0, 1, 1, 0.9)).toThrow('numEnvs: out of range; got 0, wanted a whole number ≥ 1');
  expect(made(1, 0, 1, 0.9)).toThrow('observation: out of range; got 0');
  expect(made(1, 1, 1.5, 0.9)).toThrow('action: out of range; got 1.5');
  expect(made(1, 1, 1, 7)).toThrow('gamma: out of range; got 7, wanted a number from 0 to 1');
  const goals = {
    achieved: { from: 0, size: 1 },
    desired: { from: 1, size: 1 },
    reward: () => ({ reward: 0, terminated: false }),
  };
  expect(() => new ReplayBuffer(1, 2, 1, 0.9, { capacity: 10, nStep: 2, her: {} }, goals)).toThrow(
    'buffer.nStep: not together with her; got 2, wanted 1',
  );
});

test('what is no transition, no number of rows and no error is refused, and changes nothing', () => {
  const buffer = new ReplayBuffer(2, 2, 1, 0.9, { capacity: 8, prioritized: true });
  const good = { obs: row(1, 2), action: row(0), reward: 1, nextObs: row(3, 4), discount: 0.9, episode: 0 };
  for (const n of [2, -1, 0.5, 5]) expect(() => buffer.add(n, good)).toThrow('ReplayBuffer.add: no such copy; got');
  expect(() => buffer.add(0, { ...good, obs: row(1, 2, 3) })).toThrow('add, obs: wrong width; got 3, wanted 2');
  expect(() => buffer.add(0, { ...good, action: row() })).toThrow('add, action: wrong width');
  expect(() => buffer.add(0, { ...good, nextObs: row(1) })).toThrow('add, nextObs: wrong width');
  expect(() => buffer.add(0, { ...good, reward: Number.NaN })).toThrow('the reward is not finite; got NaN');
  expect(() => buffer.add(0, { ...good, discount: Number.POSITIVE_INFINITY })).toThrow('the discount is not finite');
  expect(buffer.size).toBe(0);
  buffer.add(1, good);
  for (const rows of [1.5, -1, 0, Number.NaN])
    expect(() => buffer.sample(rows, rng(1))).toThrow('ReplayBuffer.sample, rows: out of range; got');
  const before = buffer.priorities();
  const set = (indices: number[], errors: number[]) => () => buffer.setPriorities(Int32Array.from(indices), errors);
  expect(set([4, 4], [1, Number.NaN])).toThrow('setPriorities: the error of row 4 is not finite; got NaN');
  expect(set([4], [Number.POSITIVE_INFINITY])).toThrow('the error of row 4 is not finite; got Infinity');
  for (const i of [0, 5, 8, -1]) expect(set([i], [1])).toThrow(`setPriorities: nothing was written there; got ${i}`);
  expect(set([4], [1, 2])).toThrow('another number of errors; got 2, wanted 1');
  expect([buffer.priorities(), buffer.mostPriority]).toEqual([before, 1]);
});

test('a new row has the largest priority that there was, so that it is drawn soon', () => {
  const buffer = new ReplayBuffer(1, 1, 1, 0.9, { capacity: 3, prioritized: { alpha: 1 } });
  const add = (): void =>
    buffer.add(0, { obs: row(0), action: row(0), reward: 0, nextObs: row(0), discount: 0.9, episode: 0 });
  add();
  buffer.setPriorities(Int32Array.of(0), [5]);
  add();
  buffer.setPriorities(Int32Array.of(0), [2]);
  add();
  expect([...(buffer.priorities() as Float32Array)]).toEqual([2, 5, 5].map((x) => expect.closeTo(x, 4)));
});

test('a row that is written over without a mask allows everything again', () => {
  const buffer = new ReplayBuffer(1, 1, 1, 0.9, { capacity: 2 });
  const t = { obs: row(0), action: row(0), reward: 0, nextObs: row(0), discount: 0.9, episode: 0 };
  buffer.add(0, { ...t, nextMask: [1, 0, 0] });
  buffer.add(0, { ...t, nextMask: [0, 0, 1] });
  buffer.add(0, t);
  expect([...(buffer.nextMasks as Float32Array)]).toEqual([1, 1, 1, 0, 0, 1]);
});

test('goals of two sizes are refused', () => {
  const goals = {
    achieved: { from: 0, size: 1 },
    desired: { from: 1, size: 2 },
    reward: () => ({ reward: 0, terminated: false }),
  };
  expect(() => new ReplayBuffer(1, 3, 1, 0.9, { capacity: 10, her: {} }, goals)).toThrow(
    'buffer.her: what is achieved and what is desired have two sizes; got "1 and 2 numbers"',
  );
});

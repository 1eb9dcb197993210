// What the inner loop's surrogate is given, pass by pass, and what the guard makes of its values.
import { flatten, type Params, useBackend } from '@gimbal/tensor-core';
import { scalar, type Tensor } from '@tensorflow/tfjs-core';
import { type Call, noted } from '../../test/fixtures/noted.ts';
import { Track, type TrackOptions } from '../../test/fixtures/track.ts';
import {
  linear,
  OnPolicyAgent,
  type OnPolicyOptions,
  type OnPolicyStep,
  type Surrogate,
  surrogates,
} from '../index.ts';

beforeAll(() => useBackend('auto'));

const create = (o: Partial<OnPolicyOptions>, track: TrackOptions = {}): Promise<OnPolicyAgent> =>
  OnPolicyAgent.create({ env: () => new Track(track), hidden: [8], gamma: 0.9, seed: 1, ...o });

/** Calls of each update. */
async function updates(
  s: Surrogate,
  o: Partial<OnPolicyOptions>,
  steps: number,
): Promise<{ step: OnPolicyStep; calls: Call[] }[]> {
  const calls: Call[] = [];
  using agent = await create({ ...o, surrogate: noted(s, calls) });
  const all: { step: OnPolicyStep; calls: Call[] }[] = [];
  for await (const step of agent.train({ steps })) all.push({ step, calls: calls.splice(0) });
  return all;
}

test('V-trace’s advantages are standardised in every pass where those of the first are', async () => {
  const options = { returns: 'vtrace', normalizeAdvantage: 'batch', rollout: 32, minibatches: 1, epochs: 3 } as const;
  const [update] = await updates(surrogates.ppoClip(), { ...options, learningRate: 0.03 }, 32);
  expect(update?.calls).toHaveLength(3);
  for (const { advantages } of update?.calls ?? []) {
    const mean = advantages.reduce((a, b) => a + b) / 32;
    expect(mean).toBeCloseTo(0, 4);
    expect(Math.sqrt(advantages.reduce((sum, a) => sum + (a - mean) ** 2, 0) / 31)).toBeCloseTo(1, 4);
  }
});

const sorted = (values: readonly number[] = []): number[] => [...values].sort((a, b) => a - b);

describe.each([false, 'batch', 'minibatch'] as const)('γ^t, normalizeAdvantage %s', (normalizeAdvantage) => {
  // episodes of 20 steps; a rate that moves nothing: the same rollouts with and without weights
  const options = { rollout: 16, gamma: 0.5, normalizeAdvantage } as const;
  const still = { ...options, minibatches: 1, epochs: 1, learningRate: 1e-30 };
  const of = (o: Partial<OnPolicyOptions>, steps: number) =>
    updates(surrogates.ratio(), { ...still, ...o }, steps).then((all) => all.map(({ calls }) => calls));

  test('weighs what is standardised already, and counts from where an episode began, in another rollout too', async () => {
    const [plain, weighed] = [await of({}, 48), await of({ discountedStateWeights: true }, 48)];
    const ages = plain.map(([call], i) =>
      sorted(
        call?.advantages.map((a, row) => {
          const share = (weighed[i]?.[0]?.advantages[row] as number) / a;
          const age = Math.log(share) / Math.log(0.5);
          expect(age).toBeCloseTo(Math.round(age), 3);
          return Math.abs(Math.round(age));
        }),
      ),
    );
    const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
    expect(ages).toEqual([range(0, 16), [...range(0, 12), ...range(16, 20)], [...range(0, 8), ...range(12, 20)]]);
  });

  test('the guard and a natural-gradient step see the same advantages', async () => {
    const weighs = { discountedStateWeights: true };
    // before the pass, in it, after it
    const [calls] = await of({ ...weighs, innerGuard: 'warn' }, 16);
    const [before, during, after] = (calls ?? []).map(({ advantages }) => sorted(advantages)) as number[][];
    for (const seen of [before, after])
      expect(seen).toEqual((during ?? []).map((a) => expect.closeTo(a, 5) as unknown as number));
    // a region without room: its loss is the mean of the advantages
    using agent = await create({ ...options, ...weighs, method: 'trpo', trustRegion: { delta: 1e-14 } });
    const step = await agent.run({ steps: 16 });
    const mean = (during ?? []).reduce((sum, a) => sum + a, 0) / 16;
    expect(Math.abs(mean)).toBeGreaterThan(1e-3);
    expect(step?.policyLoss).toBeCloseTo(-mean, 4);
  });
});

describe('a target KL', () => {
  const options = { rollout: 32, minibatches: 4, epochs: 3, learningRate: 0.03 } as const;
  // nothing holds it back: the KL grows
  const surrogate = surrogates.ratio();
  /** One update: its numbers, calls, and how many steps the optimiser has done. */
  const update = async (o: Partial<OnPolicyOptions>) => {
    const calls: Call[] = [];
    using agent = await create({ ...options, ...o, surrogate: noted(surrogate, calls) });
    const step = (await agent.run({ steps: 32 })) as OnPolicyStep;
    const { optimizer } = (agent as unknown as { trees(): { optimizer: Params } }).trees();
    const [count] = (optimizer.step as Tensor).dataSync();
    return { step, calls, count, weights: flatten(agent.params).map(([, t]) => [...t.dataSync()]) };
  };
  /** Mean (ρ − 1) − log ρ of a call. */
  const k3 = ({ ratios }: Call): number =>
    ratios.reduce((sum, ratio) => sum + ratio - 1 - Math.log(ratio), 0) / ratios.length;

  test('ends the update before a step is taken from beyond 1.5 times it, and epochs says how much was done', async () => {
    const { calls: all, step } = await update({});
    expect([all.length, step.epochs]).toEqual([12, 3]);
    const divergences = all.map(k3);
    const beyond = divergences.findIndex((kl, i) => i > 4 && kl > 1.1 * Math.max(...divergences.slice(0, i)));
    expect(beyond).toBeGreaterThan(4);
    const kl = divergences[beyond] as number;
    const ended = await update({ targetKl: kl / 1.6 });
    expect(ended.calls).toHaveLength(beyond + 1);
    expect(ended.count).toBe(beyond);
    expect(ended.step.epochs).toBe(beyond / 4);
    // the first step is always taken: there the KL is 0
    const least = await update({ targetKl: 1e-9 });
    expect([least.calls.length, least.count, least.step.epochs]).toEqual([2, 1, 0.25]);
    expect(least.step.finalKl).toBeGreaterThan(0);
    // not far enough
    expect((await update({ targetKl: kl / 1.4 })).calls.length).toBeGreaterThan(beyond + 1);
  });

  test('that is never reached changes nothing', async () => {
    const [none, far] = [await update({}), await update({ targetKl: 1e9 })];
    expect(far.weights).toEqual(none.weights);
    expect(far.step).toEqual({ ...none.step, stepsPerSecond: far.step.stepsPerSecond });
  });
});

test('what changes over a run is logged as it is', async () => {
  const logged = async (s: Surrogate): Promise<object[]> => {
    using agent = await create({ rollout: 16, epochs: 1, minibatches: 1, surrogate: s });
    const all: object[] = [];
    for await (const { eta, clipEpsilon, klCoef } of agent.train({ steps: 64 })) all.push({ eta, clipEpsilon, klCoef });
    return all;
  };
  const falling = [0.4, 0.3, 0.2, 0.1].map((x) => expect.closeTo(x, 6));
  for (const [s, name] of [
    [surrogates.ppoClip({ clipEpsilon: linear(0.4, 0) }), 'clipEpsilon'],
    [surrogates.sppo({ clipEpsilon: (progress) => 0.4 * (1 - progress) }), 'clipEpsilon'],
    [surrogates.mdpo({ eta: linear(0.4, 1e-9) }), 'eta'],
    [surrogates.ppoKl({ klCoef: linear(0.4, 0) }), 'klCoef'],
  ] as const)
    expect(await logged(s)).toEqual(falling.map((x) => ({ [name]: x })));
});

describe('the guard', () => {
  const rows = 64;
  const options = {
    rollout: rows,
    minibatches: 4,
    epochs: 12,
    learningRate: 0.02,
    normalizeAdvantage: 'batch',
  } as const;
  /** Values of the surrogate on the whole batch: before the first pass, and after each. */
  const values = (calls: Call[]): number[] =>
    calls.flatMap(({ advantages, objective }) => (advantages.length === rows ? [objective] : []));
  const tolerance = (start: number): number => 1e-6 * (1 + Math.abs(start));

  test('ends an update where the surrogate is lower than before the first pass, not where a pass gained less', async () => {
    const all = await updates(surrogates.smdpo({ eta: 0.3 }), { ...options, innerGuard: 'restore' }, rows * 16);
    let [lower, ended] = [0, 0];
    for (const { step, calls } of all) {
      const [start, ...after] = values(calls) as [number, ...number[]];
      expect(step.epochs).toBe(after.length);
      const least = start - tolerance(start);
      for (const [i, now] of after.slice(0, -1).entries()) {
        expect(now).toBeGreaterThanOrEqual(least);
        if (i > 0 && now < (after[i - 1] as number) - tolerance(start)) lower++;
      }
      const fell = (after.at(-1) as number) < least;
      expect([step.restored, step.fallen]).toEqual(fell ? [1, 1] : [0, 0]);
      if (fell) ended++;
      else expect(after).toHaveLength(options.epochs);
    }
    expect(Math.min(lower, ended)).toBeGreaterThan(0);
  });

  test('is told how far the run is, before the first pass as in it', async () => {
    const all = await updates(surrogates.mdpo(), { ...options, epochs: 1, innerGuard: 'warn' }, rows * 4);
    for (const [i, { calls }] of all.entries())
      expect(calls.map(({ progress }) => progress)).toEqual(Array(6).fill(i / 4));
  });

  test('takes the optimiser’s moments back with the weights', async () => {
    using agent = await create({ ...options, innerGuard: 'restore', learningRate: 30, surrogate: surrogates.smdpo() });
    const before = flatten(agent.params).map(([, t]) => [...t.dataSync()]);
    const step = await agent.run({ steps: rows });
    expect([step?.epochs, step?.restored]).toEqual([1, 1]);
    const { optimizer } = (agent as unknown as { trees(): { optimizer: Params } }).trees();
    for (const [, t] of flatten(optimizer)) expect([...t.dataSync()].every((x) => x === 0)).toBe(true);
    expect(flatten(agent.params).map(([, t]) => [...t.dataSync()])).toEqual(before);
  });

  test('goes back to the last good pass, not to the start', async () => {
    const trained = async (o: Partial<OnPolicyOptions>) => {
      const s = surrogates.smdpo({ eta: 0.3 });
      // what the guard sees: before the first pass, after two that lost nothing, and after one that did
      let seen = 0;
      const losing = (x: Parameters<Surrogate>[0]): ReturnType<Surrogate> => {
        const result = s(x);
        return x.advantages.size < rows ? result : { ...result, loss: scalar(++seen === 4 ? 1 : 0) };
      };
      const surrogate = Object.assign(losing, { surrogate: s.surrogate, options: s.options });
      using agent = await create({ ...options, ...o, surrogate });
      const step = await agent.run({ steps: rows });
      const trees = (agent as unknown as { trees(): { [name: string]: Params } }).trees();
      const all = Object.values(trees).flatMap((tree) => flatten(tree));
      return { step, weights: all.map(([path, t]) => [path, [...t.dataSync()]]) };
    };
    const back = await trained({ innerGuard: 'restore' });
    expect([back.step?.epochs, back.step?.restored]).toEqual([3, 1]);
    expect(back.weights).toEqual((await trained({ epochs: 2 })).weights);
  });

  test('that only warns restores nothing, counts, and says so once', async () => {
    const told: unknown[] = [];
    const { warn } = console;
    console.warn = (text: unknown) => void told.push(text);
    try {
      const all = await updates(
        surrogates.smdpo({ eta: 0.3 }),
        { ...options, learningRate: 0.2, innerGuard: 'warn' },
        rows * 4,
      );
      for (const { step, calls } of all) {
        const [start, ...after] = values(calls) as [number, ...number[]];
        expect([step.restored, step.epochs]).toEqual([0, options.epochs]);
        expect(step.fallen).toBe(after.filter((now) => now < start - tolerance(start)).length);
      }
      expect(all.some(({ step }) => (step.fallen as number) > 1)).toBe(true);
    } finally {
      console.warn = warn;
    }
    expect(told).toEqual([expect.stringMatching(/^on-policy: a pass lowered the surrogate on its own batch from /)]);
  });
});

test('a critic trained apart has the policy’s learning rate where it is given none', async () => {
  const critic = { epochs: 2, batchSize: 8 };
  const values = async (learningRate?: number): Promise<number[][]> => {
    const own = learningRate === undefined ? critic : { ...critic, learningRate };
    using agent = await create({ rollout: 16, epochs: 1, minibatches: 1, learningRate: linear(0.02, 0), critic: own });
    await agent.run({ steps: 16 });
    return flatten(agent.params.value).map(([, t]) => [...t.dataSync()]);
  };
  const given = await values();
  expect(given).toEqual(await values(0.02));
  expect(given).not.toEqual(await values(0.01));
});

import { rng, useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import { bootstrapInterval, evaluate, interquartileMean, OnPolicyAgent, type Playable, policyOf } from '../index.ts';

beforeAll(() => useBackend('auto'));

test('the middle half by hand', () => {
  expect(interquartileMean([0, 1, 2, 100])).toBe(1.5);
  // five values: a quarter is 1.25 of them: ¾·1 + 2 + ¾·3 over 2.5
  expect(interquartileMean([5, 1, 2, 3, -9])).toBeCloseTo((0.75 * 1 + 2 + 0.75 * 3) / 2.5, 12);
  expect(interquartileMean([4])).toBe(4);
});

test('a bootstrap interval has the width that theory gives', () => {
  const r = rng(1);
  const values = Array.from({ length: 400 }, () => r.normal());
  const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
  const [low, high] = bootstrapInterval(values, mean, rng(2));
  expect(high - low).toBeGreaterThan(0.8 * ((2 * 1.96) / 20));
  expect(high - low).toBeLessThan(1.2 * ((2 * 1.96) / 20));
});

test('the interval’s ends are the quantiles of its level', () => {
  // the statistic is told in turn 0 … 999: at level .5 the middle half
  let told = 0;
  const interval = (level?: number) => {
    told = 0;
    return bootstrapInterval([1, 2], () => told++, rng(1), { resamples: 1000, ...(level && { level }) });
  };
  expect(interval(0.5)).toEqual([250, 750]);
  expect(interval(0.75)).toEqual([125, 875]);
  expect(interval()).toEqual([25, 975]);
});

test('values that are not finite are refused by their place', () => {
  const mean = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0) / x.length;
  expect(() => interquartileMean([1, Number.NaN])).toThrow('interquartileMean, value 1: it is not finite; got NaN');
  const asked = (): unknown => bootstrapInterval([Number.POSITIVE_INFINITY, 1], mean, rng(1));
  expect(asked).toThrow('bootstrapInterval, value 0: it is not finite; got Infinity');
});

test('copies whose episodes are short do not crowd out the long ones', async () => {
  // copy A: one step, return 1; copy B: ten steps, return 10
  let made = 0;
  class Fixed extends Track {
    constructor(private readonly length: number) {
      super({ limit: 100 });
    }
    #t = 0;
    override reset(o: { seed?: number } = {}): ReturnType<Track['reset']> {
      this.#t = 0;
      return super.reset(o);
    }
    override step(action: number): ReturnType<Track['step']> {
      return { ...super.step(action), reward: 1, terminated: ++this.#t === this.length };
    }
  }
  const still: Playable = {
    moments: undefined,
    evalEnv: undefined,
    gamma: 1,
    actRows: (_, __, out) => void out.fill(1),
  };
  const { mean, returns } = await evaluate(still, {
    episodes: 4,
    numEnvs: 2,
    env: () => new Fixed(made++ % 2 === 0 ? 1 : 10),
    seed: 0,
  });
  expect(returns).toEqual([1, 1, 10, 10]);
  expect(mean).toBe(5.5);
});

test('an agent as a function plays the episode that evaluate plays', async () => {
  for (const actions of ['continuous', 'multi-discrete'] as const) {
    const make = (): Track => new Track({ actions });
    const options = { env: make, rollout: 16, hidden: [8], normalize: { obs: true }, seed: 1 };
    using agent = await OnPolicyAgent.create(options);
    await agent.run({ steps: 64 });
    const env = make();
    const seeds = rng(7).split('evaluate').split('env');
    let { obs } = env.reset({ seed: seeds.split(0).int(2 ** 31) });
    const act = policyOf(agent, env);
    let total = 0;
    for (let ended = false; !ended; ) {
      const step = env.step(act(obs) as never);
      total += step.reward;
      ended = step.terminated || step.truncated;
      obs = step.obs;
    }
    const { returns } = await evaluate(agent, { episodes: 1, seed: 7 });
    expect(total).toBeCloseTo(returns[0] as number, 5);
  }
});

import { rng, useBackend } from '@gimbal/tensor-core';
import { Track } from '../../test/fixtures/track.ts';
import {
  bootstrapInterval,
  evaluate,
  interquartileMean,
  OffPolicyAgent,
  OnPolicyAgent,
  type Playable,
  policyOf,
} from '../index.ts';

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

test('an endless episode is cut, and counted; a time limit of the environment’s own is none', async () => {
  const endless = (): Track => new Track({ limit: Number.POSITIVE_INFINITY });
  const still: Playable = {
    moments: undefined,
    evalEnv: endless,
    gamma: 1,
    actRows: (_, __, out) => void out.fill(1),
  };
  const cut = await evaluate(still, { episodes: 3, numEnvs: 2, maxSteps: 50, seed: 0 });
  expect([cut.lengths, cut.truncated, cut.cut]).toEqual([[50, 50, 50], 3, 3]);
  const whole = await evaluate(still, { episodes: 1, seed: 0 });
  expect([whole.lengths, whole.cut]).toEqual([[10_000], 1]);
  // −|x| a step, for it stands still
  expect(whole.mean / 10_000).toBeCloseTo((cut.returns[0] as number) / 50, 6);
  const long = await evaluate(still, { episodes: 1, env: () => new Track({ limit: 10_050 }), seed: 0 });
  expect([long.lengths, long.truncated, long.cut]).toEqual([[10_050], 1, 0]);
  const short = await evaluate(still, { episodes: 1, env: () => new Track({ limit: 20 }), maxSteps: 20, seed: 0 });
  expect([short.lengths, short.truncated, short.cut]).toEqual([[20], 1, 0]);
  await expect(evaluate(still, { maxSteps: 0, seed: 0 })).rejects.toThrow('maxSteps: out of range; got 0');
});

test('training that is evaluated on endless episodes goes on', async () => {
  const env = (): Track => new Track({ limit: Number.POSITIVE_INFINITY });
  const options = { env, rollout: 64, hidden: [8], seed: 1, evalEvery: 64, evalEpisodes: 2 };
  using agent = await OnPolicyAgent.create(options);
  expect(await agent.run({ steps: 64 })).toMatchObject({ step: 64, evalCut: 2 });
});

test('an agent as a function obeys masks', async () => {
  for (const kind of ['on policy', 'off policy']) {
    // the action that leads to 0 is masked: it is what both would take
    class Masked extends Track {
      #hide<T extends { info: { [key: string]: unknown }; obs: unknown }>(result: T): T {
        const [x] = result.obs as Float32Array;
        result.info.actionMask = (x as number) > 0 ? Uint8Array.of(0, 1, 1) : Uint8Array.of(1, 1, 0);
        return result;
      }
      override reset(o: { seed?: number } = {}): ReturnType<Track['reset']> {
        return this.#hide(super.reset(o));
      }
      override step(action: number): ReturnType<Track['step']> {
        return this.#hide(super.step(action));
      }
    }
    const options = { hidden: [16], learningRate: 0.01, gamma: 0.9, seed: 1, env: () => new Track() };
    using agent =
      kind === 'on policy'
        ? await OnPolicyAgent.create({ ...options, rollout: 64 })
        : await OffPolicyAgent.create({ ...options, algorithm: 'dqn', batchSize: 16 });
    await agent.run({ steps: 640 });
    const env = new Masked();
    const seeds = rng(7).split('evaluate').split('env');
    let { obs, info } = env.reset({ seed: seeds.split(0).int(2 ** 31) });
    const act = policyOf(agent, env);
    let [total, refused] = [0, 0];
    for (let ended = false; !ended; ) {
      const mask = info.actionMask as Uint8Array;
      if (mask[act(obs) as number] === 0) refused++;
      const action = act(obs, undefined, info) as number;
      expect(mask[action]).toBe(1);
      const step = env.step(action);
      total += step.reward;
      ended = step.terminated || step.truncated;
      ({ obs, info } = step);
    }
    expect(refused).toBeGreaterThan(0);
    const { returns } = await evaluate(agent, { episodes: 1, env: () => new Masked(), seed: 7 });
    expect(total).toBeCloseTo(returns[0] as number, 5);
    expect(() => act(obs, undefined, { actionMask: [1, 1] })).toThrow(
      'Track-v0, info.actionMask: wrong length; got 2, wanted 3',
    );
    expect(() => act(obs, undefined, { actionMask: [0, 0, 0] })).toThrow('every action of component 0 is masked');
  }
});

test('what cannot be played says so', async () => {
  const agent = await OnPolicyAgent.create({ env: () => new Track(), rollout: 16, hidden: [8], seed: 1 });
  const wrong = policyOf as (agent?: unknown, env?: unknown, draws?: unknown) => (obs: unknown) => unknown;
  expect(() => wrong()).toThrow('policyOf: there is no agent');
  expect(() => wrong(agent)).toThrow('policyOf, env: there is no environment');
  expect(() => wrong(agent, new Track(), { seed: 1 })).toThrow(
    'policyOf, draws: it is no stream of random numbers. Give rng(seed)',
  );
  await expect((evaluate as (agent?: unknown) => Promise<unknown>)()).rejects.toThrow('evaluate: there is no agent');
  await expect((evaluate as (agent: unknown) => Promise<unknown>)(agent)).rejects.toThrow(
    'evaluate: the options are no object',
  );
  const act = policyOf(agent, new Track());
  agent.dispose();
  await expect(evaluate(agent, { episodes: 1, seed: 1 })).rejects.toThrow('evaluate: the agent was disposed');
  expect(() => policyOf(agent, new Track())).toThrow('policyOf: the agent was disposed');
  expect(() => act(Float32Array.of(0, 1))).toThrow('policyOf: the agent was disposed');
});

test('actions are drawn where that is asked for, and the most probable ones else', async () => {
  const drawn: boolean[] = [];
  const agent: Playable = {
    moments: undefined,
    evalEnv: () => new Track({ limit: 3 }),
    gamma: 0.9,
    actRows: (_, rows, out, draws) => {
      drawn.push(draws !== undefined);
      for (let n = 0; n < rows; n++) out[n] = draws === undefined ? 1 : draws.int(3);
    },
  };
  const played = (o: object): Promise<{ returns: number[] }> => evaluate(agent, { episodes: 1, seed: 1, ...o });
  const still = await played({});
  expect(drawn).toEqual([false, false, false]);
  expect(await played({ deterministic: true })).toEqual(still);
  drawn.length = 0;
  expect((await played({ deterministic: false })).returns).not.toEqual(still.returns);
  expect(drawn).toEqual([true, true, true]);
});

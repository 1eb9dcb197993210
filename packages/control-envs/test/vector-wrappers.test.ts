// Wrappers of vector environments: the numbers are those that single copies would give, statistics are of all copies.
import type { Env, Info, Obs, VectorStep } from '@gimbal/tensor-core';
import {
  box,
  discrete,
  makeEnv,
  makeVectorEnv,
  PureEnv,
  parseRecording,
  RecordEpisodes,
  type Recording,
  TimeLimit,
  VectorClipAction,
  VectorEpisodeStatistics,
  VectorFrameStack,
  VectorNormalizeObservation,
  VectorNormalizeReward,
  VectorRescaleAction,
} from '../src/index.ts';

/** Observes [k, 1000 k, 7] at its k-th step and is paid k; ends after 4. */
class Ramp extends PureEnv {
  constructor() {
    super(
      {
        spec: { id: 'Ramp-v0', dtSeconds: 1, maxSteps: 100 },
        observationSpace: box(0, 1e6, [3]),
        actionSpace: discrete(2),
      },
      3,
    );
  }
  protected resetTask(): void {
    this.state.set([0, 0, 7]);
  }
  protected stepTask(): void {
    const k = this.elapsed + 1;
    this.state.set([k, 1000 * k, 7]);
    this.reward = k;
    this.terminated = k === 4;
  }
}

const none = Int32Array.of(0, 0);
const ramps = (autoresetMode: 'same-step' | 'next-step' = 'same-step') =>
  makeVectorEnv(() => new Ramp(), { numEnvs: 2, autoresetMode });

test.each(['same-step', 'next-step'] as const)('episode statistics under %s autoreset', async (mode) => {
  const envs = new VectorEpisodeStatistics(await ramps(mode), 3);
  await envs.reset();
  expect(envs.mean.return).toBeNaN();
  for (let t = 0; t < 20; t++) await envs.step(none);
  // 4 steps an episode, and one more where a step is spent on the reset
  expect(envs.count).toBe(mode === 'same-step' ? 10 : 8);
  expect(envs.episodes).toEqual(Array(3).fill({ return: 10, length: 4 }));
  expect(envs.mean).toEqual({ return: 10, length: 4 });
});

test('observations are normalised by what all copies saw, final ones too; the state goes on', async () => {
  const envs = new VectorNormalizeObservation(await ramps());
  await envs.reset();
  const steps: VectorStep[] = [];
  for (let t = 0; t < 8; t++) steps.push(await envs.step(none));
  // seen: 0 and twice 1 2 3 0: nine values a copy, mean 12/9, mean of squares 28/9
  const { count, mean } = envs.state();
  expect(count).toBe(18);
  expect(mean).toEqual([expect.closeTo(12 / 9, 10), expect.closeTo(12_000 / 9, 7), 7]);
  const spread = Math.sqrt(28 / 9 - (12 / 9) ** 2);
  const last = steps[7] as VectorStep;
  const near = (values: Obs | undefined, wanted: number[]): void => {
    const got = [...(values as Float32Array)];
    for (const [i, w] of wanted.entries()) expect(got[i]).toBeCloseTo(w, 4);
  };
  near(last.obs, [-12 / 9 / spread, -12 / 9 / spread, 0]);
  near(last.finalObs, [(4 - 12 / 9) / spread, (4 - 12 / 9) / spread, 0]);
  const frozen = new VectorNormalizeObservation(await ramps(), { update: false });
  frozen.load(JSON.parse(JSON.stringify(envs.state())));
  near((await frozen.reset()).obs, [-12 / 9 / spread]);
  expect(frozen.state()).toEqual(envs.state());
  // kept results stay
  const kept = (last.obs as Float32Array).slice();
  await envs.step(none);
  expect(last.obs).toEqual(kept);
});

test('rewards are divided by the spread of discounted returns; a reset begins a return anew', async () => {
  const envs = new VectorNormalizeReward(await ramps(), { gamma: 0 });
  await envs.reset();
  const seen: number[] = [];
  for (let t = 0; t < 4; t++) seen.push((await envs.step(none)).reward[0] as number);
  // gamma 0: returns are rewards; variances of {1}, {1, 2}, {1, 2, 3}, {1, 2, 3, 4}
  const wanted = [10, 2 / Math.sqrt(1 / 4), 3 / Math.sqrt(2 / 3), 4 / Math.sqrt(5 / 4)];
  for (const [t, w] of wanted.entries()) expect(seen[t]).toBeCloseTo(w, 4);
  const whole = new VectorNormalizeReward(await ramps(), { gamma: 1 });
  await whole.reset();
  for (let t = 0; t < 3; t++) await whole.step(none);
  expect(whole.state().discounted).toEqual([6, 6]);
  await whole.reset({ mask: Uint8Array.of(0, 1) });
  expect(whole.state().discounted).toEqual([6, 0]);
  const again = new VectorNormalizeReward(await ramps(), { gamma: 1 });
  again.load(JSON.parse(JSON.stringify(whole.state())));
  await again.reset({ mask: Uint8Array.of(0, 0) });
  expect(again.state()).toEqual(whole.state());
  expect(() => again.load({ moments: whole.moments.state(), discounted: [0] })).toThrow('other number of copies');
  expect(() => new VectorNormalizeReward(again, { gamma: 2 })).toThrow('bad gamma; got 2');
});

test.each(['same-step', 'next-step'] as const)(
  'a stack of each copy begins with its episode under %s autoreset',
  async (mode) => {
    const envs = new VectorFrameStack(await ramps(mode), 3);
    expect(envs.observationSpace).toMatchObject({ kind: 'box', shape: [3, 3] });
    /** the step counts of copy 1, which the first element of each frame is */
    const counts = (obs: unknown): number[] => [0, 3, 6].map((at) => (obs as Float32Array)[9 + at] as number);
    const { obs: first } = await envs.reset();
    expect(counts(first)).toEqual([0, 0, 0]);
    expect(counts((await envs.step(none)).obs)).toEqual([0, 0, 1]);
    expect(counts((await envs.step(none)).obs)).toEqual([0, 1, 2]);
    expect(counts(first)).toEqual([0, 0, 0]); // results are the caller's
    await envs.step(none);
    const end = await envs.step(none);
    if (mode === 'same-step') {
      expect(counts(end.finalObs)).toEqual([2, 3, 4]);
      expect(counts(end.obs)).toEqual([0, 0, 0]);
    } else {
      expect(counts(end.obs)).toEqual([2, 3, 4]);
      expect(counts((await envs.step(none)).obs)).toEqual([0, 0, 0]);
    }
    expect(counts((await envs.step(none)).obs)).toEqual([0, 0, 1]);
    // a masked reset begins the named copy's stack and leaves the other's
    const { obs: masked } = await envs.reset({ mask: Uint8Array.of(0, 1) });
    expect(counts(masked)).toEqual([0, 0, 0]);
    expect([...(masked as Float32Array).subarray(0, 9)].filter((_, i) => i % 3 === 0)).toEqual([0, 0, 1]);
    expect(() => new VectorFrameStack(envs, 0)).toThrow('VectorFrameStack: bad count; got 0');
    const zeros = new VectorFrameStack(await ramps(mode), 2, { padding: 'zero' });
    expect([...((await zeros.reset()).obs as Float32Array).subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 7]);
  },
);

test('stacks over shared memory are those over copies, and what was kept stays', async () => {
  const run = async (buffers: 'copy' | 'shared', workers: number): Promise<[live: Obs[], atOnce: Obs[]]> => {
    const inner = await makeVectorEnv('CartPole-v1', {
      numEnvs: 2,
      buffers,
      workers,
      seed: 1,
      options: { maxSteps: 6 },
    });
    const envs = new VectorFrameStack(inner, 3);
    const [kept, copies]: [Obs[], Obs[]] = [[(await envs.reset()).obs], []];
    copies.push((kept[0] as Float32Array).slice());
    for (let t = 0; t < 9; t++) {
      const { obs, finalObs } = await envs.step(Int32Array.of(t % 2, 1));
      for (const one of finalObs === undefined ? [obs] : [obs, finalObs]) {
        kept.push(one);
        copies.push((one as Float32Array).slice());
      }
    }
    envs.close();
    return [kept, copies];
  };
  const [wanted] = await run('copy', 0);
  for (const workers of [0, 1]) {
    const [kept, atOnce] = await run('shared', workers);
    expect(kept).toEqual(atOnce);
    expect(kept).toEqual(wanted);
  }
});

test('actions are changed in a copy, as by the wrappers of one environment', async () => {
  const sampled = Float32Array.of(5, -0.5);
  const plain = async (actions: Float32Array) => {
    const envs = await makeVectorEnv('Pendulum-v1', { numEnvs: 2, seed: 3 });
    await envs.reset();
    return (await envs.step(actions)).obs;
  };
  const clipping = new VectorClipAction(await makeVectorEnv('Pendulum-v1', { numEnvs: 2, seed: 3 }));
  await clipping.reset();
  expect((await clipping.step(sampled)).obs).toEqual(await plain(Float32Array.of(2, -0.5)));
  const scaling = new VectorRescaleAction(await makeVectorEnv('Pendulum-v1', { numEnvs: 2, seed: 3 }));
  await scaling.reset();
  expect((await scaling.step(sampled)).obs).toEqual(await plain(Float32Array.of(2, -1)));
  expect(sampled).toEqual(Float32Array.of(5, -0.5));
  expect(scaling.actionSpace).toMatchObject({ low: Float64Array.of(-1), high: Float64Array.of(1) });
});

test('recorded episodes are whole, chosen by number, and handed over when they end', async () => {
  const handed: [number, Recording][] = [];
  const env = new RecordEpisodes(await makeEnv('Hopper-v5', { maxSteps: 9 }), {
    when: (episode) => episode !== 1,
    onRecording: (recording, episode) => handed.push([episode, recording]),
  });
  const still = new Float32Array(3);
  const infos: Info[] = [];
  for (let episode = 0; episode < 3; episode++) {
    env.reset({ seed: 5 + episode });
    for (let t = 0; t < 9; t++) infos.push(env.step(still).info);
  }
  env.reset({ seed: 9 });
  env.step(still);
  env.close();
  expect(handed.map(([episode, { frames, seed }]) => [episode, frames, seed])).toEqual([
    [0, 10, 5],
    [2, 10, 7],
    [3, 2, 9],
  ]);
  const [, first] = handed[0] as [number, Recording];
  expect(parseRecording(JSON.stringify(first))).toEqual(first);
  expect(first).toMatchObject({ env: 'Hopper-v5', episodes: [0] });
  expect([first.actions.length, first.rewards.length]).toEqual([9, 9]);
});

test('a state holds what wrappers remember, of copies and of all together; older states go on without', async () => {
  const make = async (autoresetMode: 'same-step' | 'next-step') => {
    const copies = await makeVectorEnv(async () => new TimeLimit(await makeEnv('Pendulum-v1'), 5), {
      numEnvs: 2,
      autoresetMode,
    });
    const scaled = new VectorNormalizeReward(new VectorNormalizeObservation(new VectorClipAction(copies)));
    return { copies, envs: new VectorEpisodeStatistics(new VectorFrameStack(scaled, 2)) };
  };
  const actions = Float32Array.of(0.3, -0.2);
  for (const mode of ['same-step', 'next-step'] as const) {
    const [one, two] = [await make(mode), await make(mode)];
    const play = async ({ envs }: typeof one): Promise<unknown[]> => {
      const seen = [];
      for (let t = 0; t < 14; t++) seen.push(await envs.step(actions));
      return [...seen, envs.count, ...envs.episodes];
    };
    await one.envs.reset({ seed: 1 });
    for (let t = 0; t < 10; t++) await one.envs.step(actions); // the last step ends an episode, or it goes on after a reset
    const [state, inner] = [one.envs.getState(), one.copies.getState()];
    expect([one.envs.isWhole(state), one.envs.isWhole(inner), one.copies.isWhole(inner)]).toEqual([true, false, true]);
    // of an older version: what is inside the wrappers of each copy; they stand behind count, origin and two lengths
    const older = new Float64Array(inner.slice().buffer);
    for (const at of [4, 4 + (older[2] as number)]) older[at] = (older[at] as number) - 2;
    expect(one.copies.isWhole(new Uint8Array(older.buffer))).toBe(false);
    const onward = await play(one);
    two.envs.setState(state);
    expect(await play(two)).toEqual(onward);
    one.envs.setState(state); // also where it stood elsewhere by then
    expect(await play(one)).toEqual(onward);
    one.envs.setState(inner);
    await one.envs.step(actions);
    expect(() => new VectorFrameStack(one.copies, 9).setState(state)).toThrow('the state is of other wrappers');
    one.envs.close();
    two.envs.close();
  }
});

test('copies without a state say so, in wrappers too', async () => {
  const bare = async (): Promise<Env> => {
    const env = await makeEnv('Pendulum-v1');
    const { spec, observationSpace, actionSpace } = env;
    return {
      spec,
      observationSpace,
      actionSpace,
      reset: (o) => env.reset(o),
      step: (a) => env.step(a),
      close: () => env.close(),
      [Symbol.dispose]: () => env.close(),
    };
  };
  const of = async (make: () => Promise<Env>) =>
    new VectorEpisodeStatistics(await makeVectorEnv(make, { numEnvs: 2 })).hasState;
  expect(await of(bare)).toBe(false);
  expect(await of(async () => new TimeLimit(await bare(), 5))).toBe(false);
  expect(await of(async () => new TimeLimit(await makeEnv('Pendulum-v1'), 5))).toBe(true);
});

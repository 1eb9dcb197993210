// Vector environments in the process and on worker threads: the same numbers, whatever the number of workers.
import type { Env, EnvStep, Obs } from '@gimbal/tensor-core';
import { rng } from '@gimbal/tensor-core';
import {
  box,
  dict,
  discrete,
  type MujocoEnv,
  makeEnv,
  makeVectorEnv,
  PureEnv,
  type RowsVectorEnv,
  registerEnv,
  tuple,
} from '../src/index.ts';

const workerCounts = [0, 1, 2, 4, 'auto'] as const;

/** 40 random steps of four copies: everything that came out. */
async function rollout(envs: RowsVectorEnv, seed: number | (number | null)[], steps = 40): Promise<unknown[]> {
  const stream = rng(5);
  const out: unknown[] = [(await envs.reset({ seed })).obs];
  for (let t = 0; t < steps; t++) {
    const actions = Float32Array.from({ length: envs.numEnvs * 3 }, () => 2 * stream.uniform() - 1);
    const { obs, reward, terminated, truncated, finalObs } = await envs.step(actions);
    out.push(obs, reward, terminated, truncated, terminated.includes(1) ? finalObs !== undefined : false);
  }
  return out;
}

test('the numbers are those of single environments, for any number of workers', async () => {
  const results = [];
  for (const workers of workerCounts) {
    const envs = await makeVectorEnv('Hopper-v5', { numEnvs: 4, workers, options: { maxSteps: 30 } });
    results.push(await rollout(envs, 7));
    envs.close();
  }
  for (const result of results) expect(result).toEqual(results[0]);
  const first = (results[0] as Obs[])[0] as Float64Array;
  const single = await makeEnv('Hopper-v5');
  for (let i = 0; i < 4; i++) {
    expect(first.subarray(i * 11, (i + 1) * 11)).toEqual(single.reset({ seed: 7 + i }).obs);
  }
  single.close();
}, 90_000); // eight workers load the engine

test('a list of seeds is used as given; null goes on with the stream', async () => {
  for (const workers of [0, 2]) {
    const envs = await makeVectorEnv('Pendulum-v1', { numEnvs: 4, workers, seed: 100 });
    const { obs } = await envs.reset({ seed: [1, 1, 2, null] });
    const row = (i: number) => (obs as Float32Array).slice(3 * i, 3 * i + 3);
    expect(row(0)).toEqual(row(1));
    expect(row(0)).not.toEqual(row(2));
    const single = await makeEnv('Pendulum-v1');
    expect(row(2)).toEqual(single.reset({ seed: 2 }).obs);
    const second = (await envs.reset({ mask: Uint8Array.of(0, 0, 0, 1) })).obs as Float32Array;
    expect(second.slice(0, 9)).toEqual((obs as Float32Array).slice(0, 9));
    expect(second.slice(9)).not.toEqual(row(3));
    await expect(envs.reset({ seed: [1] })).rejects.toThrow('one seed for each copy; got 1, wanted 4');
    envs.close();
  }
});

/** Counts; its second copy ends by itself at 4. */
class Counter extends PureEnv {
  constructor(readonly end: number) {
    super(
      {
        spec: { id: 'Counter-v0', dtSeconds: 1, maxSteps: 10 },
        observationSpace: box(0, 100, [1]),
        actionSpace: discrete(2),
      },
      1,
    );
  }
  protected resetTask(): void {
    this.state[0] = 0;
  }
  protected stepTask(action: number): void {
    this.state[0] = (this.state[0] as number) + 1 + action;
    this.reward = 1;
    this.terminated = this.elapsed + 1 === this.end;
  }
}

test('same-step autoreset: limits count from each copy’s own last reset', async () => {
  let made = 0;
  // ends only in its first episode
  class Once extends Counter {
    #episodes = 0;
    protected override resetTask(): void {
      super.resetTask();
      this.#episodes++;
    }
    protected override stepTask(action: number): void {
      super.stepTask(action);
      if (this.#episodes > 1) this.terminated = false;
    }
  }
  const envs = await makeVectorEnv(() => new Once(made++ === 1 ? 4 : 99), { numEnvs: 3 });
  await envs.reset();
  const ends: number[][] = [[], [], []];
  for (let t = 1; t <= 20; t++) {
    const { obs, terminated, truncated, finalObs, infos } = await envs.step(Int32Array.of(0, 0, 0));
    for (let i = 0; i < 3; i++) {
      if (terminated[i] === 1) {
        expect([t, i]).toEqual([4, 1]);
        expect(infos[i]).toEqual({ episode: { return: 4, length: 4 } });
        expect([(finalObs as Float32Array)[i], (obs as Float32Array)[i]]).toEqual([4, 0]);
      }
      if (truncated[i] === 1) {
        ends[i]?.push(t);
        expect(infos[i]).toEqual({ episode: { return: 10, length: 10 }, truncatedReason: 'time limit' });
      }
    }
  }
  expect(ends).toEqual([[10, 20], [14], [10, 20]]);
});

test('next-step autoreset ignores the action of the step that resets; a reset in between is not repeated', async () => {
  const envs = await makeVectorEnv(() => new Counter(2), { numEnvs: 1, autoresetMode: 'next-step' });
  const step = async (a: number): Promise<number[]> => {
    const { obs, reward, terminated } = await envs.step(Int32Array.of(a));
    return [(obs as Float32Array)[0] as number, reward[0] as number, terminated[0] as number];
  };
  await envs.reset();
  expect(await step(0)).toEqual([1, 1, 0]);
  expect(await step(0)).toEqual([2, 1, 1]);
  expect(await step(1)).toEqual([0, 0, 0]); // the reset
  await step(0);
  expect(await step(0)).toEqual([2, 1, 1]);
  await envs.reset();
  expect(await step(1)).toEqual([2, 1, 0]); // executed, on the fresh state
});

test('disabled autoreset: stepping a copy that ended is refused, a masked reset revives it', async () => {
  const envs = await makeVectorEnv(() => new Counter(2), { numEnvs: 2, autoresetMode: 'disabled' });
  await envs.reset();
  const none = Int32Array.of(0, 0);
  await envs.step(none);
  await envs.step(none);
  await expect(envs.step(none)).rejects.toThrow('the episode has ended');
  await envs.reset({ mask: Uint8Array.of(1, 1) });
  expect((await envs.step(none)).obs).toEqual(Float32Array.of(1, 1));
});

test('kept results stay; the mode without copies exists by name', async () => {
  const copying = await makeVectorEnv('CartPole-v1', { numEnvs: 2 });
  const first = (await copying.reset()).obs;
  const kept = (first as Float32Array).slice();
  const next = (await copying.step(Int32Array.of(0, 1))).obs;
  expect(first).toEqual(kept);
  expect(next).not.toEqual(first);
  const shared = await makeVectorEnv('CartPole-v1', { numEnvs: 2, buffers: 'shared' });
  const live = (await shared.reset()).obs;
  const one = await shared.step(Int32Array.of(0, 1));
  expect(one.obs).toBe(live);
  expect(await shared.step(Int32Array.of(0, 1))).toBe(one);
});

class Nested implements Env {
  readonly spec = { id: 'Nested-v0', dtSeconds: 1, maxSteps: 5 };
  readonly observationSpace = dict({
    image: box(0, 255, [2, 2], 'uint8'),
    parts: tuple([box(-1, 1, [3]), dict({ deep: box(-9, 9, [1], 'float64') })]),
  });
  readonly actionSpace = discrete(2);
  #t = 0;
  #obs(): Obs {
    const t = this.#t;
    return {
      image: Uint8Array.of(t, 1, 2, 3),
      parts: { 0: Float32Array.of(0, 0.5, 1), 1: { deep: Float64Array.of(t) } },
    };
  }
  reset() {
    this.#t = 0;
    return { obs: this.#obs(), info: {} };
  }
  step(): EnvStep {
    this.#t++;
    return { obs: this.#obs(), reward: 1, terminated: false, truncated: this.#t === 5, info: {} };
  }
  close(): void {}
  [Symbol.dispose](): void {}
}

test('Dict and Tuple observations keep their nesting, shapes and types', async () => {
  const envs = await makeVectorEnv(() => new Nested(), { numEnvs: 3 });
  await envs.reset();
  const { obs } = await envs.step(Int32Array.of(0, 0, 0));
  expect(obs).toEqual({
    image: Uint8Array.of(1, 1, 2, 3, 1, 1, 2, 3, 1, 1, 2, 3),
    parts: { 0: Float32Array.of(0, 0.5, 1, 0, 0.5, 1, 0, 0.5, 1), 1: { deep: Float64Array.of(1, 1, 1) } },
  });
});

test('Dict and Tuple observations and an environment that is no BufferedEnv, on workers as in the process', async () => {
  const fixture = new URL('fixtures/nested-env.mjs', import.meta.url);
  const { nestedEnv } = await import(fixture.href);
  registerEnv(nestedEnv({ box, dict, discrete, tuple }));
  const results: unknown[] = [];
  for (const workers of [0, 2]) {
    const envs = await makeVectorEnv('test/Nested-v0', {
      numEnvs: 3,
      workers,
      modules: [workers ? fixture : fixture.href],
    });
    const seen: unknown[] = [(await envs.reset({ seed: 4 })).obs];
    for (let t = 0; t < 7; t++) seen.push(await envs.step(Int32Array.of(0, 1, 0)));
    envs.close();
    results.push(seen);
  }
  await expect(makeVectorEnv('test/Nested-v0', { numEnvs: 2, workers: 1 })).rejects.toThrow(
    'makeVectorEnv: the workers do not know this environment; got "test/Nested-v0". Register it in a module of its own',
  );
  expect(results[1]).toEqual(results[0]);
  const last = (results[0] as { obs: { parts: { [key: string]: Obs } } }[])[2]?.obs.parts;
  expect(last).toEqual({ 0: expect.any(Float32Array), 1: { deep: Float64Array.of(6, 9, 8) } });
});

test('states of all copies are saved and restored, on workers too', async () => {
  for (const workers of [0, 2, 'auto'] as const) {
    const envs = await makeVectorEnv('HalfCheetah-v5', { numEnvs: 3, workers, options: { maxSteps: 12 } });
    const actions = Float32Array.from({ length: 18 }, (_, i) => Math.sin(i));
    await envs.reset({ seed: 1 });
    for (let t = 0; t < 8; t++) await envs.step(actions);
    const state = envs.getState();
    const run = async () => {
      const seen = [];
      for (let t = 0; t < 8; t++) seen.push(await envs.step(actions)); // through the time limit and a reset
      return seen;
    };
    const before = await run();
    envs.setState(state);
    expect(await run()).toEqual(before);
    expect(() => envs.setState(state.subarray(0, 80))).toThrow('no such state');
    envs.close();
  }
});

test('a state of another model is refused, though its numbers are as many', async () => {
  const make = (id: string, options: object = {}) => makeVectorEnv(id, { numEnvs: 2, options });
  const [cheetah, walker, softer] = [
    await make('HalfCheetah-v5'),
    await make('Walker2d-v5'),
    await make('HalfCheetah-v5', { resetNoiseScale: 0.2 }),
  ];
  for (const envs of [cheetah, walker, softer]) await envs.reset();
  const state = cheetah.getState();
  expect(walker.getState().length).toBe(state.length);
  expect(() => walker.setState(state)).toThrow(
    /Walker2d-v5: setState: the state is of another environment or model; got "[0-9a-f]{8}", wanted .*[0-9a-f]{8} \(Walker2d-v5\)/,
  );
  softer.setState(state); // options that leave the model as it is
  for (const envs of [cheetah, walker, softer]) envs.close();
});

test.each(['same-step', 'next-step', 'disabled'] as const)(
  'a copy whose physics diverges is truncated with the reason, counted and goes on, %s',
  async (autoresetMode) => {
    const copies: MujocoEnv[] = [];
    const makeOne = async (): Promise<Env> => {
      copies.push((await makeEnv('HalfCheetah-v5')) as Env as MujocoEnv);
      return copies.at(-1) as Env;
    };
    const envs = await makeVectorEnv(makeOne, { numEnvs: 2, autoresetMode });
    await envs.reset({ seed: 0 });
    const push = new Float32Array(12).fill(0.2);
    const before = await envs.step(push);
    (copies[1] as MujocoEnv).sim.qpos[2] = Number.NaN;
    const { obs, finalObs, reward, terminated, truncated, infos } = await envs.step(push);
    expect([[...terminated], [...truncated], reward[1]]).toEqual([[0, 0], [0, 1], 0]);
    expect(infos[1]?.truncatedReason).toMatch(/^diverged: qpos\[\d\] \(\w+\) is NaN$/);
    expect(envs.divergences).toBe(1);
    const last = (autoresetMode === 'same-step' ? finalObs : obs) as Float64Array;
    expect(last.subarray(17)).toEqual((before.obs as Float64Array).subarray(17)); // the last finite one
    if (autoresetMode === 'disabled') await envs.reset({ mask: Uint8Array.of(0, 1) });
    for (let t = 0; t < 5; t++) {
      const next = await envs.step(push);
      expect([...next.truncated]).toEqual([0, 0]);
      expect((next.obs as Float64Array).every(Number.isFinite)).toBe(true);
    }
    expect(envs.divergences).toBe(1);
    envs.close();
  },
);

test('a dead worker beside this thread’s own share is replaced too', async () => {
  const envs = await makeVectorEnv('CartPole-v1', { numEnvs: 4, workers: 'auto' });
  await envs.reset({ seed: 0 });
  if (envs.workers === undefined) return console.warn('skipped: one core, no worker'); // 'auto' is this thread
  await envs.workers[0]?.kill();
  const { truncated } = await envs.step(Int32Array.of(0, 1, 0, 1));
  expect([truncated[0], truncated[3], envs.restarts]).toEqual([1, 0, 1]);
  for (let t = 0; t < 20; t++) await envs.step(Int32Array.of(0, 1, 0, 1));
  envs.close();
});

test('a dead worker is reported and replaced; the run goes on', async () => {
  const reported: unknown[] = [];
  const envs = await makeVectorEnv('CartPole-v1', { numEnvs: 4, workers: 2, onRestart: (e) => reported.push(e) });
  await envs.reset({ seed: 0 });
  const actions = Int32Array.of(0, 1, 0, 1);
  const before = await envs.step(actions);
  await envs.workers?.[1]?.kill();
  const { truncated, infos, finalObs } = await envs.step(actions);
  expect([...truncated]).toEqual([0, 0, 1, 1]);
  expect(infos[2]?.truncatedReason).toMatch(/^worker died/);
  expect((finalObs as Float32Array).subarray(8)).toEqual((before.obs as Float32Array).subarray(8));
  expect(envs.restarts).toBe(1);
  expect(reported).toEqual([{ from: 2, count: 2, reason: expect.any(String) }]);
  expect([...(await envs.step(actions)).truncated]).toEqual([0, 0, 0, 0]);
  envs.close();
});

test('a dead worker has no state to save, and says so at once; the next call replaces it', async () => {
  const envs = await makeVectorEnv('CartPole-v1', { numEnvs: 4, workers: 2 });
  await envs.reset({ seed: 0 });
  const state = envs.getState();
  await envs.workers?.[0]?.kill();
  const begun = performance.now();
  expect(() => envs.getState()).toThrow('a worker has died; got "it ended". Step or reset first');
  expect(() => envs.setState(state)).toThrow('a worker has died');
  expect(performance.now() - begun).toBeLessThan(5000);
  await envs.reset({ seed: 0 });
  expect([envs.restarts, envs.getState()]).toEqual([1, state]);
  envs.close();
});

test('bad calls are refused before anything moves', async () => {
  const envs = await makeVectorEnv('Pendulum-v1', { numEnvs: 2, workers: 1 });
  await expect(envs.step(new Float32Array(2))).rejects.toThrow('Pendulum-v1: step: never reset');
  await envs.reset();
  await expect(envs.step(Float32Array.of(0, Number.NaN))).rejects.toThrow('copy 1: action[0] is not finite; got NaN');
  await expect(envs.step(Float32Array.of(0, 1e30))).rejects.toThrow(
    'copy 1: action[0] is too large for a finite reward; got 1.0',
  );
  await expect(envs.step(new Float32Array(3))).rejects.toThrow('actions of wrong shape; got 3, wanted 2');
  const plain = [Number.NaN, 0] as unknown as Float32Array;
  await expect(envs.step(plain)).rejects.toThrow('copy 0: action[0] is not finite; got NaN');
  for (const state of [new Uint8Array(5), new Uint8Array(), envs.getState().subarray(1)]) {
    expect(() => envs.setState(state)).toThrow('no such state');
  }
  const pending = envs.step(new Float32Array(2));
  await expect(envs.step(new Float32Array(2))).rejects.toThrow('the last call is not finished');
  await pending;
  envs.close();
  await expect(envs.reset()).rejects.toThrow('the environments are closed');
  await expect(makeVectorEnv(() => new Nested(), { numEnvs: 2, workers: 1 })).rejects.toThrow(
    'cannot be sent to workers',
  );
  const wrong = (o: object): Promise<unknown> => makeVectorEnv('CartPole-v1', { numEnvs: 2, ...o });
  await expect(wrong({ autoresetMode: 'never' })).rejects.toThrow('bad autoresetMode; got "never", wanted same-step');
  await expect(wrong({ buffers: 'mine' })).rejects.toThrow('bad buffers; got "mine", wanted copy, shared');
  await expect(wrong({ workrs: 1 })).rejects.toThrow('no such option; got "workrs". Did you mean workers?');
  await expect(makeVectorEnv('CartPol-v1', { numEnvs: 2, workers: 1 })).rejects.toThrow('Did you mean CartPole-v1?');
  await expect(wrong({ workers: 'all' })).rejects.toThrow(
    'bad workers; got "all", wanted a whole number from 0, or \'auto\'',
  );
  await expect(wrong({ workers: 1, modules: ['no-such-module'] })).rejects.toThrow(
    'makeVectorEnv modules: it cannot be imported; got "no-such-module"',
  );
  const bare = makeVectorEnv as (id: string, o?: unknown) => Promise<unknown>;
  await expect(bare('CartPole-v1')).rejects.toThrow('makeVectorEnv: bad options');
  const two = await makeVectorEnv('CartPole-v1', { numEnvs: 2, seed: 'x' as unknown as number });
  await expect(two.reset()).rejects.toThrow('VectorEnv.reset: bad seed; got "x"');
});

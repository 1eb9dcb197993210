// Wrong values of options, states, spaces and wrappers, one by one: each is refused with its name.
import type { Env } from '@gimbal/tensor-core';
import { rng } from '@gimbal/tensor-core';
import {
  batchSpace,
  box,
  ClipAction,
  checkEnv,
  contains,
  discrete,
  FrameStack,
  makeEnv,
  makeVectorEnv,
  NormalizeObservation,
  NormalizeReward,
  RescaleAction,
  registerEnv,
  sample,
  TimeLimit,
} from '../src/index.ts';

test.each<[string, object, string]>([
  ['Hopper-v5', { healthyZRange: 5 }, 'bad healthyZRange; got 5, wanted 2 numbers, the lower first'],
  ['Hopper-v5', { healthyZRange: [2, 1] }, 'bad healthyZRange; got [2,1]'],
  ['Ant-v5', { contactForceRange: 'ab' }, 'bad contactForceRange'],
  ['Hopper-v5', { resetNoiseScale: Number.POSITIVE_INFINITY }, 'bad resetNoiseScale; got Infinity, wanted a finite'],
  ['Hopper-v5', { terminateWhenUnhealthy: null }, 'bad terminateWhenUnhealthy; got null, wanted a boolean'],
  ['Hopper-v5', { engine: null }, 'bad engine; got null, wanted a string'],
  ['FrozenLake-v1', { mapName: '9x9' }, 'FrozenLake: mapName: no such map; got "9x9", wanted 4x4, 8x8'],
  ['FrozenLake-v1', { map: 'SFFG' }, 'FrozenLake: map: no list of rows'],
  ['FrozenLake-v1', { successRate: 2 }, 'FrozenLake: successRate: no probability; got 2'],
  ['FrozenLake-v1', { rewardSchedule: [1] }, 'bad rewardSchedule; got [1], wanted 3 numbers'],
])('%s %j', async (id, options, message) => {
  await expect(makeEnv(id, options)).rejects.toThrow(message);
});

test('ranges without an end are ranges; half-infinite ones are the default of Hopper', async () => {
  const env = await makeEnv('Hopper-v5', { healthyZRange: [0.5, Number.POSITIVE_INFINITY] });
  env.close();
});

test('a registration without a maker is refused, and a maker without an environment', async () => {
  const register = registerEnv as unknown as (r: unknown) => void;
  for (const r of [
    { id: 'no/Make-v0', defaults: {} },
    { id: 'no/Make-v0', make: () => 0 },
  ]) {
    expect(() => register(r)).toThrow('registerEnv no/Make-v0: make or defaults are missing');
  }
  expect(() => register(null)).toThrow('an id needs a name and a version');
  registerEnv({ id: 'no/Env-v0', summary: '', defaults: {}, make: () => null as unknown as Env });
  await expect(makeEnv('no/Env-v0')).rejects.toThrow('makeEnv no/Env-v0: what was made is no environment; got null');
  await expect(makeVectorEnv(() => null as unknown as Env, { numEnvs: 2 })).rejects.toThrow('is no environment');
});

test('a state that is none is refused where it is set, not in a later step', async () => {
  for (const id of ['CartPole-v1', 'Acrobot-v1', 'Pendulum-v1', 'MountainCar-v0', 'FrozenLake-v1']) {
    const env = await makeEnv(id);
    env.reset({ seed: 0 });
    const state = env.getState?.() as Float64Array;
    expect(() => env.setState?.(state.map(() => Number.NaN))).toThrow(
      /setState: (number 0 is not finite|no such state)/,
    );
    env.setState?.(state);
  }
  const lake = await makeEnv('FrozenLake-v1');
  for (const s of [99, 1.5, -1]) {
    expect(() => lake.setState?.(Float64Array.of(s))).toThrow(
      `FrozenLake-v1: setState: no such state; got ${s}, wanted a whole number from 0 to 15`,
    );
  }
});

test('a time limit ends an episode: the step after it is refused until a reset', async () => {
  const env = new TimeLimit(await makeEnv('Pendulum-v1'), 2);
  const still = new Float32Array(1);
  env.reset({ seed: 0 });
  env.step(still);
  const state = env.getState();
  expect(env.step(still).truncated).toBe(true);
  expect(() => env.step(still)).toThrow('Pendulum-v1: step: the episode has ended. Call reset()');
  env.setState(state); // goes on from there
  expect(env.step(still).truncated).toBe(true);
  env.reset();
  expect(env.step(still).truncated).toBe(false);
  expect(checkEnv(new TimeLimit(await makeEnv('Pendulum-v1'), 10))).toEqual([]);
});

test('wrappers leave what is no action to the environment, and refuse settings that make NaN', async () => {
  const make = async () => {
    const env = await makeEnv('Pendulum-v1');
    env.reset({ seed: 0 });
    return env;
  };
  for (const env of [new ClipAction(await make()), new RescaleAction(await make())]) {
    expect(() => env.step(undefined as unknown as Float32Array)).toThrow('Pendulum-v1: step: action of wrong shape');
  }
  const env = await make();
  const infinite = Number.POSITIVE_INFINITY;
  const wrong: [() => unknown, string][] = [
    [() => new RescaleAction(env, -infinite, infinite), 'RescaleAction: min is not below max, both finite'],
    [() => new NormalizeObservation(env, { epsilon: -1 }), 'NormalizeObservation: bad epsilon; got -1'],
    [() => new NormalizeObservation(env, { clip: 0 }), 'NormalizeObservation: bad clip; got 0'],
    [() => new NormalizeReward(env, { clip: Number.NaN }), 'NormalizeReward: bad clip; got NaN'],
    [() => new FrameStack(env, 1e9), 'FrameStack: too many frames; got 1000000000'],
    [() => new FrameStack(env, 2, { padding: 'x' as 'zero' }), 'FrameStack: bad padding; got "x", wanted reset, zero'],
  ];
  for (const [call, message] of wrong) expect(call).toThrow(message);
  const normal = new NormalizeObservation(env);
  const good = normal.state();
  const damaged: [unknown, string][] = [
    [null, 'not saved statistics'],
    [{ count: 1 }, 'not saved statistics'],
    [{ ...good, count: Number.POSITIVE_INFINITY }, 'not saved statistics'],
    [{ ...good, mean: [0] }, 'other size; got 1, wanted 3'],
    [{ ...good, mean: [Number.NaN, 0, 0] }, 'not finite numbers'],
    [{ ...good, squares: [0, -1, 0] }, 'not finite numbers, squares from 0'],
  ];
  for (const [state, message] of damaged) expect(() => normal.load(state as typeof good)).toThrow(message);
  expect(() => new NormalizeReward(env).load({ moments: good } as never)).toThrow('NormalizeReward.load: not saved');
});

test('spaces refuse bounds and kinds that have no values; large ones are drawn from within', () => {
  const wrong: [() => unknown, string][] = [
    [() => box(null as unknown as number, 1), 'box: bad low; got null'],
    [() => box(0, 1, [2], 'int32' as 'uint8'), 'box: bad dtype; got "int32"'],
    [() => box(0, 300, [2], 'uint8'), 'box: bounds of element 0 are no bytes; got [0,300]'],
    [() => box(-1.5, 1.5, [2], 'uint8'), 'no bytes'],
    [() => box(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY), 'box: bounds of element 0 are no interval'],
    [() => discrete(2, 0.5), 'discrete: bad start; got 0.5'],
    [() => discrete(2, Number.NaN), 'discrete: bad start'],
  ];
  for (const [call, message] of wrong) expect(call).toThrow(message);
  const wide = box(-1e308, 1e308, [8], 'float64');
  for (let seed = 0; seed < 20; seed++) expect(contains(wide, sample(wide, rng(seed)))).toBe(true);
  expect(batchSpace(wide, 2)).toMatchObject({ shape: [2, 8] });
});

test('what is closed during a call stays closed; what was never reset stays so', async () => {
  for (const workers of [0, 1]) {
    const envs = await makeVectorEnv('CartPole-v1', { numEnvs: 2, workers, options: { maxSteps: 5 } });
    const action = new Int32Array(2);
    envs.getState();
    await expect(envs.step(action)).rejects.toThrow('CartPole-v1: step: never reset');
    await envs.reset({ seed: 0 });
    for (const mask of [[true, false], null, 'ab']) {
      await expect(envs.reset({ mask: mask as unknown as Uint8Array })).rejects.toThrow('mask does not fit');
    }
    await expect(envs.step({ length: 2 } as unknown as Int32Array)).rejects.toThrow('actions of wrong shape');
    expect(() => envs.setState(null as unknown as Uint8Array)).toThrow('CartPole-v1: setState: no state');
    const going = envs.step(action).catch(() => undefined);
    envs.close();
    await going;
    await expect(envs.step(action)).rejects.toThrow('CartPole-v1: step: the environments are closed');
    await expect(envs.reset()).rejects.toThrow('the environments are closed');
    expect(envs.restarts).toBe(0);
  }
});

test('the episode that a dead worker ended keeps its return and length', async () => {
  const envs = await makeVectorEnv('Pendulum-v1', { numEnvs: 2, workers: 1 });
  await envs.reset({ seed: 0 });
  const action = new Float32Array(2);
  let sum = 0;
  for (let t = 0; t < 3; t++) sum += (await envs.step(action)).reward[0] as number;
  await envs.workers?.[0]?.kill();
  const died = await envs.step(action);
  expect([...died.truncated]).toEqual([1, 1]);
  expect(died.infos[0]).toMatchObject({
    episode: { length: 3, return: expect.closeTo(sum, 3) },
    truncatedReason: expect.stringContaining('worker died'),
  });
  // the next episode counts from its own first step
  for (let t = 0; t < 199; t++) await envs.step(action);
  expect((await envs.step(action)).infos[0]).toMatchObject({ episode: { length: 200 } });
  envs.close();
}, 30_000);

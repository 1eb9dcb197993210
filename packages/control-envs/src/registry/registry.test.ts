import { readFileSync } from 'node:fs';
import type { Action, Env, Space } from '@gimbal/tensor-core';
import { actionFault } from '../base/action-fault.ts';
import { assertEnv, checkEnv, EnvWrapper, listEnvs, makeEnv, registerEnv } from '../index.ts';

const classic = ['Acrobot-v1', 'CartPole-v1', 'CliffWalking-v1', 'CliffWalkingSlippery-v1', 'DeepSea-v0'].concat([
  'FrozenLake-v1',
  'FrozenLake8x8-v1',
  'MountainCar-v0',
  'MountainCarContinuous-v0',
  'Pendulum-v1',
]);

test.each(classic)('%s passes the checker', async (id) => {
  assertEnv(await makeEnv(id), { steps: 300 });
});

test('unknown ids and options name the nearest known one', async () => {
  await expect(makeEnv('CartPol-v1')).rejects.toThrow(
    'makeEnv: no such environment; got "CartPol-v1". Did you mean CartPole-v1?',
  );
  await expect(makeEnv('CartPole-v7')).rejects.toThrow('Did you mean CartPole-v1?');
  await expect(makeEnv('Pendulum-v1', { maxStep: 3 } as object)).rejects.toThrow(
    'makeEnv Pendulum-v1: no such option; got "maxStep". Did you mean maxSteps?',
  );
});

test('what is no id and no options says so', async () => {
  const make = makeEnv as (id?: unknown, options?: unknown) => Promise<Env>;
  await expect(make()).rejects.toThrow('makeEnv: an id is a text');
  await expect(make(3)).rejects.toThrow('an id is a text; got 3');
  await expect(make('CartPole-v1', null)).rejects.toThrow('makeEnv CartPole-v1: bad options; got null');
  await expect(make('CartPole-v1', 'sutton')).rejects.toThrow('bad options; got "sutton", wanted an object of');
  await expect(make('DeepSea-v0', { size: 1e6 })).rejects.toThrow('DeepSea: bad size; got 1000000, wanted');
});

test('bad values of options are refused before anything is made', async () => {
  const make = (options: object): Promise<Env> => makeEnv('Hopper-v5', options);
  await expect(make({ frameSkip: 0 })).rejects.toThrow(
    'makeEnv Hopper-v5: bad frameSkip; got 0, wanted a whole number',
  );
  await expect(make({ frameSkip: 1.5 })).rejects.toThrow('bad frameSkip');
  await expect(make({ obsDtype: 'int8' })).rejects.toThrow('bad obsDtype; got "int8", wanted float32 or float64');
  await expect(make({ ctrlCostWeight: Number.NaN })).rejects.toThrow('bad ctrlCostWeight');
  await expect(make({ healthyZRange: [0, Number.NaN] })).rejects.toThrow('bad healthyZRange');
  await expect(make({ resetNoiseScale: '0.1' })).rejects.toThrow('bad resetNoiseScale; got "0.1", wanted a number');
  await expect(make({ terminateWhenUnhealthy: 1 })).rejects.toThrow('wanted a boolean');
});

test('registered environments are made and listed; an id is taken once and has a version', async () => {
  const inner = await makeEnv('CartPole-v1');
  registerEnv({ id: 'mine/Tall-v0', summary: 'taller', defaults: {}, make: () => inner });
  expect(await makeEnv('mine/Tall-v0')).toBe(inner);
  expect(listEnvs().map(({ id }) => id)).toContain('mine/Tall-v0');
  const again = { id: 'mine/Tall-v0', summary: '', defaults: {}, make: () => inner };
  expect(() => registerEnv(again)).toThrow('the id is taken');
  expect(() => registerEnv({ ...again, id: 'Tall' })).toThrow('an id needs a name and a version');
});

test('calls out of order are refused with the reason', async () => {
  const env = await makeEnv('CartPole-v1', { maxSteps: 1 });
  expect(() => env.step(0)).toThrow('CartPole-v1: step: the environment was never reset. Call reset() first.');
  env.reset({ seed: 1 });
  expect(env.step(0).truncated).toBe(true);
  expect(() => env.step(0)).toThrow('CartPole-v1: step: the episode has ended');
  env.close();
  env.close();
  expect(() => env.step(0)).toThrow('the environment is closed');
  expect(() => env.reset()).toThrow('the environment is closed');
});

test('bad actions name the element', async () => {
  const env = await makeEnv('Pendulum-v1');
  env.reset({ seed: 0 });
  expect(() => env.step(Float32Array.of(Number.NaN))).toThrow('action[0] is not finite; got NaN');
  expect(() => env.step(Float32Array.of(1e30))).toThrow('action[0] is too large for a finite reward');
  expect(() => env.step(new Float32Array(2))).toThrow('action of wrong shape; got 2, wanted a Float32Array of 1');
  expect(() => env.setState?.(new Float64Array(3))).toThrow(
    'the state is not one of this environment; got 3, wanted 2',
  );
});

test('a choice of several that is none of its values names the component', () => {
  const several: Space = { kind: 'multi-discrete', nvec: [3, 2] };
  const bits: Space = { kind: 'multi-binary', shape: [2] };
  for (const good of [Float32Array.of(2, 1), Float32Array.of(0, 0)]) expect(actionFault(several, good)).toBeUndefined();
  expect(actionFault(several, Float32Array.of(2, 2))).toMatchObject({ what: 'is no such choice', index: 1, got: 2 });
  expect(actionFault(several, Float32Array.of(0.5, 0))).toMatchObject({ index: 0, got: 0.5 });
  expect(actionFault(several, Float32Array.of(Number.NaN, 0))).toMatchObject({ index: 0 });
  expect(actionFault(bits, Float32Array.of(1, 0))).toBeUndefined();
  expect(actionFault(bits, Float32Array.of(1, -1))).toMatchObject({ index: 1, wanted: 'a whole number from 0 to 1' });
});

test('the checker says what is missing where there is nothing to run', () => {
  const missing = (env: unknown): string[] => checkEnv(env as Env).map(({ what }) => what);
  expect(missing(null)).toEqual(['the environment is null']);
  expect(missing({ reset() {}, close() {} })).toEqual([
    'observationSpace is missing',
    'actionSpace is missing',
    'step() is missing',
  ]);
});

test('the checker finds each planted fault', async () => {
  const faults: [string, (env: Env) => Partial<Env>][] = [
    ['twice gives different observations', (env) => ({ reset: () => env.reset() })],
    ['reward is NaN', (env) => ({ step: (a) => ({ ...env.step(a), reward: Number.NaN }) })],
    ['[0] is 9, above its bound 1', (env) => ({ step: (a) => ({ ...env.step(a), obs: Float32Array.of(9, 0, 0) }) })],
    [
      'step accepts an action with a NaN',
      (env) => ({ step: (a) => env.step(Float32Array.from(a as Float32Array, (x) => x || 0)) }),
    ],
    [
      'step changes the action it is given',
      (env) => ({
        step: (a) => {
          const result = env.step(a);
          (a as Float32Array)[0] = 0.125;
          return result;
        },
      }),
    ],
    [
      'step changes the observation it returned before',
      (env) => {
        const shared = new Float32Array(3);
        return {
          step: (a) => {
            const result = env.step(a);
            shared.set(result.obs as Float32Array);
            return { ...result, obs: shared };
          },
        };
      },
    ],
  ];
  for (const [wanted, change] of faults) {
    const inner = await makeEnv('Pendulum-v1', { maxSteps: 60 });
    const faulty = Object.assign(new EnvWrapper(inner), change(inner));
    const found = checkEnv(faulty).map(({ what }) => what);
    expect(found.join('\n')).toContain(wanted);
  }
  class Endless extends EnvWrapper {
    override get spec() {
      return { ...this.env.spec, maxSteps: 60 };
    }
  }
  const endless = new Endless(await makeEnv('Pendulum-v1', { maxSteps: 1000 }));
  expect(checkEnv(endless).map(({ what }) => what)).toContain('truncated is false at spec.maxSteps = 60');
});

test('the checker names a fault once, however often it occurs, and goes on after a call that throws', async () => {
  const inner = await makeEnv('Pendulum-v1', { maxSteps: 60 });
  const outside = Object.assign(new EnvWrapper(inner), {
    step: (action: Action) => ({ ...inner.step(action), obs: Float32Array.of(0, 0, 9 + Math.random()) }),
    reset: (options?: { seed?: number }) => {
      if (options === undefined) throw new Error('no seed');
      return inner.reset(options);
    },
  });
  const found = checkEnv(outside).map(({ what }) => what);
  expect(found.filter((what) => what.startsWith('obs of step: [2] is 9.'))).toHaveLength(1);
  expect(found).toContain('checking step throws: no seed');
  expect(found).toContain('the same seed and actions give another episode');
});

test('the checker draws actions that info.actionMask allows, and says what is wrong with a mask', async () => {
  const told = await logged(() => import('../../examples/own-env.ts'));
  expect(told).toEqual([[]]);
  const found = async (mask: unknown): Promise<string[]> => {
    const lake = await makeEnv('FrozenLake-v1');
    const masked = Object.assign(new EnvWrapper(lake), {
      reset: (o?: object) => ({ ...lake.reset(o), info: { actionMask: mask } }),
      step: (action: Action) => {
        if (action === 3) throw new Error('illegal action taken');
        return { ...lake.step(action), info: { actionMask: mask } };
      },
    });
    return checkEnv(masked).map(({ what }) => what);
  };
  for (const mask of [[1, 1, 1, 0], Uint8Array.of(0, 1, 0, 0), [true, false, false, false]])
    expect(await found(mask)).toEqual([]);
  expect(await found([1, 1, 1])).toContain('info.actionMask: wrong length; got 3, wanted 4');
  const neither = 'entry 1 says neither; got 0.5, wanted 1 or true where the action is allowed, 0 or false elsewhere';
  expect(await found([1, 0.5, 1, 0])).toContain(`info.actionMask: ${neither}`);
  expect(await found('all')).toContain('info.actionMask: it is no list; got "a string", wanted 4 of 0 or 1');
  const none = 'every action of component 0 is masked; wanted at least one that is allowed';
  expect(await found([0, 0, 0, 0])).toContain(`info.actionMask: ${none}`);
  const pendulum = await makeEnv('Pendulum-v1');
  const box = Object.assign(new EnvWrapper(pendulum), {
    reset: (o?: object) => ({ ...pendulum.reset(o), info: { actionMask: [1] } }),
  });
  expect(checkEnv(box).map(({ what }) => what)).toContain('info.actionMask: it masks an action without choices');
});

test('the README shows examples/own-env.ts', () => {
  const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
  expect(read('README.md')).toContain(`\`\`\`ts\n${read('examples/own-env.ts')}\`\`\``);
});

async function logged(work: () => Promise<unknown>): Promise<unknown[]> {
  const [printed, log]: [unknown[], typeof console.log] = [[], console.log];
  console.log = (value) => printed.push(value);
  try {
    await work();
  } finally {
    console.log = log;
  }
  return printed;
}

test('a registered environment is made with every option: what is not given has its default', async () => {
  const seen: object[] = [];
  const make = (options: object): Env => {
    seen.push(options);
    return new EnvWrapper(pendulum);
  };
  const pendulum = await makeEnv('Pendulum-v1');
  registerEnv({ id: 'mine/Filled-v0', summary: 'a test', defaults: { size: 3, name: 'a' }, make });
  await makeEnv('mine/Filled-v0');
  await makeEnv('mine/Filled-v0', { size: 4, name: undefined });
  expect(seen).toEqual([
    { size: 3, name: 'a' },
    { size: 4, name: 'a' },
  ]);
});

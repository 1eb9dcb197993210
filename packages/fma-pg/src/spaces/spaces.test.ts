// Observations and actions of every space: read by their own numbers, or refused by name.
import { type Obs, type Space, useBackend } from '@gimbal/tensor-core';
import { Track, type TrackOptions } from '../../test/fixtures/track.ts';
import { evaluate, OnPolicyAgent, type OnPolicyOptions, policyOf } from '../index.ts';
import { actionSpec } from './action-spec.ts';
import { observationSpec, readObservations, savedObservation } from './observation-spec.ts';

beforeAll(() => useBackend('auto'));

const box = (low: number[], high: number[], shape = [low.length]): Space => ({
  kind: 'box',
  shape,
  dtype: 'float32',
  low: Float64Array.from(low),
  high: Float64Array.from(high),
});
const three: Space = { kind: 'discrete', n: 3 };

function read(space: Space, obs: Obs, numEnvs = 1): number[] {
  const spec = observationSpec(space);
  const out = new Float32Array(numEnvs * spec.size);
  readObservations(spec, obs, numEnvs, out, () => 'Env-v0, step 7');
  return [...out];
}

test('a discrete observation counts from its start', () => {
  expect(read({ ...three, start: 1 }, Float32Array.of(3, 1), 2)).toEqual([0, 0, 1, 1, 0, 0]);
  expect(read({ ...three, start: -1 }, Float32Array.of(-1))).toEqual([1, 0, 0]);
});

test('a multi-discrete observation is one one-hot vector after the other', () => {
  expect(read({ kind: 'multi-discrete', nvec: [2, 3] }, Uint8Array.of(1, 0, 0, 2), 2)).toEqual([
    0, 1, 1, 0, 0, 1, 0, 0, 0, 1,
  ]);
});

test.each<[string, Space, Obs, string]>([
  ['above a discrete space', three, Float32Array.of(7), 'observation component 0 is no value of its space; got 7'],
  ['between two choices', three, Float32Array.of(1.5), 'got 1.5, wanted a whole number from 0 to 2'],
  ['no number', three, Float32Array.of(Number.NaN), 'got NaN, wanted a whole number from 0 to 2'],
  ['below a start', { ...three, start: 1 }, Uint8Array.of(0), 'got 0, wanted a whole number from 1 to 3'],
  [
    'below a discrete space with neighbours',
    { kind: 'dict', spaces: { b: box([0], [1]), a: three } },
    { b: Float32Array.of(0.5), a: Float32Array.of(-1) },
    'observation a component 0 is no value of its space; got -1, wanted a whole number from 0 to 2',
  ],
  [
    'above one of a multi-discrete space',
    { kind: 'multi-discrete', nvec: [2, 3] },
    Uint8Array.of(0, 3),
    'observation component 1 is no value of its space; got 3, wanted a whole number from 0 to 2',
  ],
  [
    'no flag',
    { kind: 'multi-binary', shape: [2] },
    Uint8Array.of(0, 2),
    'observation component 1 is no value of its space; got 2, wanted 0 or 1',
  ],
])('a value %s is refused by environment, step, copy and component', (_, space, obs, message) => {
  expect(() => read(space, obs)).toThrow(
    expect.objectContaining({ code: 'ERR_DATA', message: expect.stringContaining(message) }),
  );
  expect(() => read(space, obs)).toThrow('Env-v0, step 7, env 0: ');
});

test('what float32 cannot hold is no observation', () => {
  expect(() => read(box([-1], [1]), Float64Array.of(1e39))).toThrow('component 0 is not finite; got 1e+39');
});

test('rows that are not asked for are neither read nor written', () => {
  const spec = observationSpec({ ...three, start: 1 });
  const out = new Float32Array(6).fill(9);
  readObservations(spec, Uint8Array.of(0, 2), 2, out, String, (row) => row === 1);
  expect([...out]).toEqual([9, 9, 9, 0, 1, 0]);
});

test('checkpoints of before still name the same observations', () => {
  const kinds: Space = {
    kind: 'dict',
    spaces: { a: box([0], [1]), b: three, c: { kind: 'multi-binary', shape: [2] } },
  };
  // JSON of version 0.0.0 before observations had a start
  const parts = [
    { path: 'a', offset: 0, size: 1 },
    { path: 'b', offset: 1, size: 3, oneHot: 3 },
    { path: 'c', offset: 4, size: 2 },
  ];
  expect(savedObservation(observationSpec(kinds))).toEqual({ size: 6, parts });
  expect(savedObservation(observationSpec({ ...three, start: 1 }))).toMatchObject({ parts: [{ oneHot: 3, start: 1 }] });
});

test('keys of a dictionary may hold dots', () => {
  const space: Space = { kind: 'dict', spaces: { 'a.b': box([0], [1]), a: { kind: 'dict', spaces: { b: three } } } };
  expect(read(space, { 'a.b': Float32Array.of(0.5), a: { b: Uint8Array.of(2) } })).toEqual([0.5, 0, 0, 1]);
});

test.each<[string, unknown, string]>([
  ['of an unknown kind', { kind: 'text' }, 'observation space: there is no such kind of space; got "text", wanted box'],
  ['that is not there', undefined, 'observation space: there is no such kind of space; got "undefined"'],
  ['without a shape', { kind: 'multi-binary' }, 'observation space: it has no shape; got "undefined"'],
  [
    'with too few bounds',
    box([0], [1], [2]),
    'observation space: low has another length than the shape; got 1, wanted 2',
  ],
  ['with bounds that are no numbers', box([0, Number.NaN], [1, 1]), 'observation space, component 1: the bounds are'],
  [
    'with a part of half a choice',
    { kind: 'dict', spaces: { a: { kind: 'discrete', n: 2.5 } } },
    'observation space, a: no number of choices; got "2.5"',
  ],
])('an observation space %s is refused', (_, space, message) => {
  expect(() => observationSpec(space as Space)).toThrow(message);
});

test.each<[string, unknown, string]>([
  ['low above high', box([1], [-1]), 'action space, component 0: the bounds are no interval; got "[1, -1]"'],
  ['no number', box([Number.NaN], [1]), 'action space, component 0: the bounds are no interval; got "[NaN, 1]"'],
  ['too few', box([-1], [1], [2]), 'action space: low has another length than the shape; got 1, wanted 2'],
  ['missing', { kind: 'box', shape: [1], dtype: 'float32' }, 'low has another length than the shape; got "nothing"'],
  ['a start between two', { ...three, start: 0.5 }, 'action space: bad start; got 0.5, wanted a whole number'],
])('bounds of actions that are %s are refused', (_, space, message) => {
  expect(() => actionSpec(space as Space)).toThrow(message);
});

test('a box without bounds is one to act in', () => {
  expect(actionSpec(box([-Infinity], [Infinity]))).toMatchObject({ kind: 'continuous', size: 1 });
});

describe('an agent on another environment than its own', () => {
  /** A track that counts its steps and has another space. */
  class Other extends Track {
    count = 0;
    override readonly observationSpace: Space;
    override readonly actionSpace: Space;
    constructor({
      observations,
      actions,
      ...o
    }: { observations?: Space; actions?: Space } & Omit<TrackOptions, 'actions'>) {
      super(o);
      this.observationSpace = observations ?? box([-9, -9], [9, 9]);
      this.actionSpace = actions ?? three;
    }
    override step(action: number): ReturnType<Track['step']> {
      this.count++;
      return super.step(action);
    }
  }
  const make = (o: Partial<OnPolicyOptions> = {}): Promise<OnPolicyAgent> =>
    OnPolicyAgent.create({ env: () => new Track(), numEnvs: 2, rollout: 16, hidden: [8], seed: 1, ...o });

  const others: [string, () => Other, string][] = [
    ['more choices', () => new Other({ actions: { kind: 'discrete', n: 7 } }), 'got "discrete 7", wanted discrete 3'],
    ['a start', () => new Other({ actions: { ...three, start: 1 } }), 'got "discrete 3 from 1", wanted discrete 3'],
    ['a box', () => new Other({ actions: box([-1], [1]) }), 'got "a box of 1", wanted discrete 3'],
    [
      'more to see',
      () => new Other({ observations: box([0, 0, 0], [1, 1, 1]) }),
      'got "a box of 3", wanted a box of 2',
    ],
    [
      'parts to see',
      () => new Other({ observations: { kind: 'dict', spaces: { place: box([0, 0], [1, 1]) } } }),
      'got "place: a box of 2", wanted a box of 2',
    ],
  ];

  test.each(others)('with %s is refused before a step', async (_, env, message) => {
    using agent = await make();
    const other = env();
    const refused = { code: 'ERR_CONFIG', message: expect.stringContaining(message) };
    await expect(evaluate(agent, { episodes: 2, seed: 1, env: () => other })).rejects.toMatchObject(refused);
    expect(() => policyOf(agent, other)).toThrow(expect.objectContaining(refused));
    expect(other.count).toBe(0);
  });

  test('is refused for the evaluations of its training before that begins', async () => {
    using agent = await make({ evalEvery: 32, evalEnv: () => new Other({ actions: { kind: 'discrete', n: 2 } }) });
    await expect(agent.run({ steps: 64 })).rejects.toThrow(
      'evalEnv, Track-v0: the environment’s actions are not the agent’s; got "discrete 2", wanted discrete 3',
    );
    expect(agent.step).toBe(0);
  });

  test('with other bounds is one to act in', async () => {
    const observations = box([-1, -1], [1, 1]);
    using agent = await make();
    const { returns } = await evaluate(agent, { episodes: 2, seed: 1, env: () => new Other({ observations }) });
    expect(returns).toHaveLength(2);
  });
});

test('an image’s bytes are read as shares of 255, other bytes as they are', () => {
  const bytes = (shape: number[]): Space => ({ ...box([0, 0, 0], [255, 255, 255], shape), dtype: 'uint8' }) as Space;
  const values = Uint8Array.of(0, 51, 255);
  expect(read(bytes([1, 1, 3]), values)).toEqual([0, expect.closeTo(0.2, 6), 1]);
  expect(read(bytes([3]), values)).toEqual([0, 51, 255]);
});

// Whatever plain JavaScript hands to a public function, what comes back is an error of this project, never one of the engine.
import { rng, useBackend } from '@gimbal/tensor-core';
import * as all from '../src/index.ts';
import { randomMdp } from './random-mdp.ts';

beforeAll(() => useBackend('auto'));

const odd = [undefined, null, {}, 'x', Number.NaN, []];
type Callee = (...given: unknown[]) => unknown;

/** Functions by name, those of lists of them, too. */
const functionsOf = (of: object, under = ''): [string, Callee][] =>
  Object.entries(of).flatMap(([name, value]: [string, unknown]): [string, Callee][] => {
    if (typeof value === 'function') return [[`${under}${name}`, value as Callee]];
    const isList = typeof value === 'object' && value !== null && under === '' && !Array.isArray(value);
    return isList ? functionsOf(value, `${name}.`) : [];
  });
const isClass = (f: Callee): boolean => Function.prototype.toString.call(f).startsWith('class');

/** What a call gives, and what is wrong with its error. */
async function called(call: () => unknown): Promise<{ given?: unknown; fault?: string }> {
  try {
    const given = await call();
    // an iterable does its work when it is asked
    if (
      typeof (given as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function' &&
      typeof given !== 'string'
    )
      for (const _ of given as Iterable<unknown>) break;
    return { given };
  } catch (error) {
    const { code, name, message } = error as Error & { code?: unknown };
    return /^ERR_[A-Z]+$/.test(String(code)) && name !== 'TypeError' ? {} : { fault: `${name}: ${message}` };
  }
}

const functions = functionsOf(all).filter(([, f]) => !isClass(f));
const classes = functionsOf(all).filter(([, f]) => isClass(f));

test.each(functions)('%s', async (_, f) => {
  for (const x of odd)
    for (const given of [[], [x], [x, x, x, x, x]]) {
      const { given: made, fault } = await called(() => f(...given));
      expect([x, fault]).toEqual([x, undefined]);
      if (typeof made === 'function') for (const y of odd) expect((await called(() => made(y))).fault).toBeUndefined();
    }
});

test.each(classes)('new %s, and what it has of its own', async (_, made) => {
  const New = made as unknown as new (...given: unknown[]) => unknown;
  for (const x of odd)
    for (const given of [[x], [x, x, x, x]]) expect((await called(() => new New(...given))).fault).toBeUndefined();
  const own = Object.getOwnPropertyNames(made).map((name) => (made as unknown as Record<string, unknown>)[name]);
  for (const f of own.filter((value): value is Callee => typeof value === 'function'))
    for (const x of odd) for (const y of odd) expect((await called(() => f.call(made, x, y))).fault).toBeUndefined();
});

const mdp = randomMdp(rng(1), { gamma: 0.9 });
const numbers = Float32Array.of(1, 2);
const trajectory = {
  ...{ numEnvs: 1, rewards: numbers, values: numbers, lastValues: Float32Array.of(1), finalValues: numbers },
  ...{ terminated: new Uint8Array(2), truncated: new Uint8Array(2) },
};
const tokens = { ids: Int32Array.of(1, 2), width: 2, lengths: Int32Array.of(2) };
const policy = all.uniformPolicy(mdp);
const buffer = new all.ReplayBuffer(1, 1, 1, 0.9, { capacity: 4, prioritized: true });
const transition = { obs: [1], action: [1], reward: 1, nextObs: [1], discount: 1, episode: 0 } as never;

/** Good beginnings: what comes after them is odd. */
test.each<[string, Callee, unknown[]]>([
  ['gae', all.gae as Callee, [trajectory]],
  ['vtrace', all.vtrace as Callee, [trajectory]],
  ['vtrace with ratios', all.vtrace as Callee, [trajectory, numbers]],
  ['normalizeAdvantages', all.normalizeAdvantages as Callee, [numbers]],
  ['bootstrapInterval', all.bootstrapInterval as Callee, [[1, 2]]],
  ['bootstrapInterval of a statistic', all.bootstrapInterval as Callee, [[1, 2], all.interquartileMean]],
  ['bootstrapInterval with draws', all.bootstrapInterval as Callee, [[1, 2], all.interquartileMean, rng(1)]],
  ['evaluatePolicy', all.evaluatePolicy as Callee, [mdp]],
  ['etaBound', all.etaBound as Callee, [mdp]],
  ['surrogateBound', all.surrogateBound as Callee, [mdp, 'softmax', policy]],
  ['surrogateGradient', all.surrogateGradient as Callee, [mdp, policy, policy]],
  ['tabularFmaPg', all.tabularFmaPg as Callee, [mdp]],
  ['tabularTakes', all.tabularTakes as Callee, ['mdpo']],
  ['tokenRollout', all.tokenRollout as Callee, [{ sample: () => tokens }, {}, tokens]],
  ['tokenRollout of prompts', all.tokenRollout as Callee, [{ sample: () => tokens }, {}]],
  ['banditUpdate', all.banditUpdate as Callee, ['smdpo']],
  ['ReplayBuffer.add', buffer.add.bind(buffer) as Callee, [0]],
  ['ReplayBuffer.sample', buffer.sample.bind(buffer) as Callee, [2]],
  ['ReplayBuffer.setPriorities', buffer.setPriorities.bind(buffer) as Callee, []],
])('%s after what is good', async (_, f, good) => {
  if (buffer.size === 0) buffer.add(0, transition);
  for (const x of odd) {
    expect([x, (await called(() => f(...good, x))).fault]).toEqual([x, undefined]);
    expect([x, (await called(() => f(...good, x, x, x))).fault]).toEqual([x, undefined]);
  }
});

test('what is wrong is named', () => {
  const of =
    (f: unknown, ...given: unknown[]) =>
    () =>
      (f as Callee)(...given);
  expect(of(all.gae)).toThrow('gae: it is not there; got "undefined", wanted { numEnvs, rewards, values, lastValues,');
  expect(of(all.gae, { ...trajectory, rewards: null }, {})).toThrow(
    'gae, rewards: it is no list of numbers; got "null"',
  );
  expect(of(all.normalizeAdvantages, null)).toThrow('normalizeAdvantages: it is no list of numbers; got "null"');
  expect(of(all.normalizeAdvantages, numbers, new Float32Array(3))).toThrow(
    'out: it has not their length; got 3, wanted 2',
  );
  expect(of(all.bootstrapInterval)).toThrow('bootstrapInterval: it is no list of numbers; got "undefined"');
  expect(of(all.evaluatePolicy, null)).toThrow('mdp: it is not there; got "null", wanted { S, A, P, r, mu, gamma }');
  expect(of(all.surrogates.ppoClip(), null)).toThrow('ppoClip: it is not there; got "null", wanted { logProbs,');
});

test('a buffer that no machine has room for is refused before it is made', () => {
  const make = (capacity: number) => () => new all.ReplayBuffer(1, 4, 2, 0.9, { capacity });
  const refused = { code: 'ERR_CONFIG', where: 'buffer.capacity', got: 1e12 };
  const before = process.memoryUsage().arrayBuffers;
  expect(make(1e12)).toThrow(expect.objectContaining(refused));
  expect(make(1e12)).toThrow('1000000000000 transitions of 53 bytes do not fit into memory; got 1000000000000');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6);
  expect(make(Number.MAX_SAFE_INTEGER)).toThrow('do not fit into memory');
});

test('masks of another size than those before are refused, and change nothing', () => {
  const masked = new all.ReplayBuffer(1, 1, 1, 0.9, { capacity: 4 });
  const add = (nextMask: unknown) => () => masked.add(0, { ...(transition as object), nextMask } as never);
  expect(add([])).toThrow('ReplayBuffer.add, nextMask: wrong width; got 0, wanted 1');
  add([1, 0, 1])();
  for (const mask of [[1, 0], [1, 0, 1, 1], []])
    expect(add(mask)).toThrow(`ReplayBuffer.add, nextMask: wrong width; got ${mask.length}, wanted 3`);
  expect(add('101')).toThrow('nextMask: it is no list of numbers; got "string"');
  expect(masked.size).toBe(1);
  expect([...(masked.nextMasks ?? [])].slice(0, 3)).toEqual([1, 0, 1]);
});

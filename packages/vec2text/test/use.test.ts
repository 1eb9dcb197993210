import { type Rng, rng, useBackend } from '@gimbal/tensor-core';
import { asActionSpace, decodeCodes, nearestTexts, optimise, textEnv, textIndex, type Vec2Text } from '../src/index.ts';
import { randomModel } from './helpers/toy.ts';

let model: Vec2Text;
beforeAll(async () => {
  await useBackend('auto');
  model = randomModel();
});
afterAll(() => model.dispose());

/** Letters of a text. */
const reward = (_: readonly string[], texts: readonly string[]): number[] => texts.map((text) => text.length);

describe('asActionSpace', () => {
  it('whitens: 0 is the mean, and the covariance of standard normal actions is that of the codes', () => {
    const { low, high, shape, toCode } = asActionSpace(model);
    expect([shape, low[0], high[3]]).toEqual([[4], -3, 3]);
    const { mean, cholesky, std } = model.stats;
    toCode(new Float32Array(4)).forEach((x, j) => {
      expect(x).toBeCloseTo(mean[j] as number, 6);
    });
    const unit = toCode(Float32Array.of(1, 0, 0, 0));
    expect(unit[0]).toBeCloseTo(Math.min(1, (mean[0] as number) + (cholesky[0] as number)), 5);
    // row i of L has the length of the deviation of coordinate i, but for the 1e-4 on the diagonal
    for (let i = 0; i < 4; i++) {
      const length = Math.hypot(...cholesky.subarray(4 * i, 4 * i + 4));
      expect(length ** 2).toBeCloseTo((std[i] as number) ** 2 + 1e-4, 5);
    }
  });

  it('brings actions from anywhere into the space', () => {
    const raw = asActionSpace(model, { coordinates: 'raw' });
    expect([...raw.toCode(Float32Array.of(2, -5, 0.5, 0))]).toEqual([1, -1, 0.5, 0]);
    const far = asActionSpace(model).toCode(new Float32Array(8).fill(1e6));
    expect(model.module.space.contains(far)).toEqual([true, true]);
  });

  it('refuses the unbounded space, other widths, NaN, no statistics', () => {
    using free = randomModel({ space: 'free' });
    expect(() => asActionSpace(free)).toThrow(expect.objectContaining({ reason: 'UNBOUNDED' }));
    expect(() => asActionSpace(model).toCode(new Float32Array(3))).toThrow(
      expect.objectContaining({ reason: 'SHAPE' }),
    );
    expect(() => asActionSpace(model).toCode(Float32Array.of(0, Number.NaN, 0, 0))).toThrow(
      expect.objectContaining({ reason: 'NOT_FINITE' }),
    );
    const without = { module: model.module, stats: undefined as never };
    expect(() => asActionSpace(without)).toThrow(expect.objectContaining({ reason: 'NO_STATS' }));
    expect(() => asActionSpace(model, { bound: 0 })).toThrow(expect.objectContaining({ reason: 'CONFIG' }));
  });
});

describe('optimise', () => {
  it('finds texts of more reward than chance, never loses the best, and repeats itself', async () => {
    const run = async () => {
      const steps = [];
      const search = optimise(model, reward, { episodes: 400, population: 40, elite: 8, rng: rng(5) });
      for (;;) {
        const next = await search.next();
        if (next.done) return { steps, result: next.value };
        steps.push(next.value);
      }
    };
    const { steps, result } = await run();
    expect(steps.map(({ episodes }) => episodes)).toEqual(Array.from({ length: 10 }, (_, i) => 40 * (i + 1)));
    expect(steps.at(-1)?.reward).toBeGreaterThan((steps[0]?.reward as number) + 0.5);
    for (let i = 1; i < steps.length; i++) expect(steps[i]?.best).toBeGreaterThanOrEqual(steps[i - 1]?.best as number);
    expect(reward([], [result.text])[0]).toBe(result.reward);
    expect((await decodeCodes(model, result.z))[0]?.text).toBe(result.text);
    expect((await run()).result).toEqual(result);
  });

  it('leaves out what has no reward, and refuses NaN by the text', async () => {
    const some = optimise(model, (_, texts) => texts.map((__, i) => (i === 3 ? 1 : null)), {
      episodes: 8,
      population: 8,
      elite: 4,
      rng: rng(0),
    });
    expect((await some.next()).value).toMatchObject({ reward: 1, best: 1 });
    // a round in which nothing has a reward has no mean and no best
    const nothing = optimise(model, (_, texts) => texts.map(() => null), {
      ...{ episodes: 8, population: 8, elite: 2, rng: rng(0) },
    });
    await expect(nothing.next()).rejects.toMatchObject({ reason: 'NO_DATA', code: 'ERR_DATA' });
    const bad = optimise(model, (_, texts) => texts.map(() => Number.NaN), {
      episodes: 8,
      population: 8,
      rng: rng(0),
      elite: 2,
    });
    await expect(bad.next()).rejects.toMatchObject({ reason: 'NOT_FINITE' });
    const short = optimise(model, () => [1], { episodes: 8, population: 8, rng: rng(0), elite: 2 });
    await expect(short.next()).rejects.toMatchObject({ reason: 'SHAPE' });
    const none = optimise(model, (() => undefined) as never, { episodes: 8, population: 8, rng: rng(0), elite: 2 });
    await expect(none.next()).rejects.toMatchObject({ reason: 'SHAPE' });
    const few = optimise(model, reward, { episodes: 8, rng: rng(0) });
    await expect(few.next()).rejects.toMatchObject({ reason: 'CONFIG' });
    const nobody = optimise(model, undefined as never, { episodes: 8, population: 8, elite: 2, rng: rng(0) });
    await expect(nobody.next()).rejects.toThrow(
      expect.objectContaining({ reason: 'CONFIG', message: expect.stringContaining('optimise.reward') }),
    );
  });

  it('moves mean and deviation towards the elite by c, not below the floor, and keeps to the budget', async () => {
    // three texts of four coordinates, of which the first and the last are the elite; two rounds
    const normals = [
      ...[0.1, 0.2, 0, -0.1, 9, 9, 9, 9, 0.3, 0.2, 0, 0.1],
      ...[1, 1, 1, 1, 9, 9, 9, 9, 1, 1, 1, 1],
    ].values();
    const stream: Rng = Object.assign(rng(0), { normal: () => normals.next().value as number });
    const o = { population: 3, elite: 2, smoothing: 0.5, floor: 0.3, rng: stream };
    let scored = 0;
    const search = optimise(
      model,
      (_, texts) => {
        scored += texts.length;
        return [2, 1, 2];
      },
      { ...o, episodes: 8 },
    );
    // the elite's mean is (.2, .2, 0, 0) and its deviation (.1, 0, 0, .1): from 0 and 1 half the way
    const first = [0.1, 0.1, 0, 0];
    const deviation = [0.55, 0.5, 0.5, 0.55];
    expect((await search.next()).value).toMatchObject({ episodes: 3, deviation: expect.closeTo(2.1 / 4, 6) });
    // both are mean + deviation: half of it further; of deviations of 0 half the old one, .275 and .25, is below the floor
    const second = first.map((m, j) => m + (deviation[j] as number) / 2);
    expect((await search.next()).value).toMatchObject({ episodes: 6, deviation: expect.closeTo(0.3, 6) });
    const { done, value } = await search.next();
    // of 8 texts there are two rounds of 3
    expect([done, scored]).toEqual([true, 6]);
    const z = asActionSpace(model).toCode(Float32Array.from(second));
    const { mean } = value as { mean: { z: Float32Array } };
    expect([...mean.z]).toEqual([...z].map((x) => expect.closeTo(x, 5)));
  });
});

it('finds the nearest known texts', async () => {
  const texts = ['the boy saw the box', 'a girl found the lamp', 'the old doctor took a stone'];
  const index = await textIndex(model, texts);
  const found = nearestTexts(model, index.codes, index, 2);
  found.forEach((near, i) => {
    expect(near).toHaveLength(2);
    expect(near[0]?.text).toBe(texts[i]);
    expect(near[0]?.similarity).toBeCloseTo(1, 5);
  });
});

describe('textEnv', () => {
  const prompts = ['short', 'long'];
  const make = (o: object = {}) =>
    textEnv(model, { prompts, observe: (p) => Float32Array.of(Number(p === 'long'), 1), reward, seed: 0, ...o });

  it('plays episodes of one step whose reward is that of the decoded text', async () => {
    const env = make();
    const action = Float32Array.of(0.3, -0.2, 0.5, 1);
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const { obs, info } = env.reset();
      seen.add(info.prompt as string);
      expect(obs).toEqual(Float32Array.of(Number(info.prompt === 'long'), 1));
      const step = env.step(action);
      const text = (await decodeCodes(model, asActionSpace(model).toCode(action)))[0]?.text as string;
      expect(step).toMatchObject({ terminated: true, truncated: false, info: { text, prompt: info.prompt } });
      expect(step.reward).toBe(reward([], [text])[0]);
    }
    expect([...seen].sort()).toEqual(['long', 'short']);
    expect(() => env.step(action)).toThrow('the episode has ended');
    env.reset({ seed: 9 });
    const first = env.step(action).info;
    env.reset({ seed: 9 });
    expect(env.step(action).info).toEqual(first);
  });

  it('refuses promises, missing rewards, other actions, observations of different sizes', () => {
    const asked = (o: object) => {
      const env = make(o);
      env.reset();
      return () => env.step(new Float32Array(4));
    };
    expect(asked({ reward: async () => [1] })).toThrow('a step does not wait for promises');
    expect(asked({ reward: () => [null] })).toThrow('no reward for');
    expect(() => make({ observe: (p: string) => new Float32Array(p.length) })).toThrow('another number of numbers');
    expect(() => make({ prompts: [] })).toThrow('textEnv.prompts');
    const env = make();
    env.reset();
    expect(() => env.step(3)).toThrow('the action is a vector');
    expect(() => env.step(new Float32Array(2))).toThrow(expect.objectContaining({ reason: 'SHAPE' }));
  });
});

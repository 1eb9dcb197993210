// What the package calls is the user's: it may spoil its arguments, never answer, answer too late, or answer nonsense.
import { type Params, type RewardFn, rng, useBackend } from '@gimbal/tensor-core';
import { memory, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import {
  buildRoundTrips,
  decodeCodes,
  type Embedder,
  InverterTrainer,
  interpolate,
  invertAll,
  invertSteps,
  optimise,
  sample,
  specialIds,
  textEnv,
  type Vec2Text,
} from '../src/index.ts';
import { randomModel } from './helpers/toy.ts';

let model: Vec2Text;
beforeAll(async () => {
  await useBackend('auto');
  model = randomModel();
});
afterAll(() => model.dispose());

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);
const texts = [
  'the boy saw the lamp',
  'the girl found the box',
  'the doctor took the stone',
  'the old boy took the lamp',
];
const embed = async (list: string[]): Promise<Float32Array> =>
  Float32Array.from(
    list.flatMap((text) => {
      const own = rng(1).split(text);
      return Array.from({ length: 4 }, () => own.normal());
    }),
  );
const embedder: Embedder = { name: 'chance', dim: 4, hash: 'chance-4', embed };
const trainer = (o: { embedder?: Embedder } = {}): InverterTrainer =>
  new InverterTrainer({
    ...{ embedder, texts, tokenizer: model.tokenizer, stage: 'hypothesizer', seed: 0, batchSize: 4 },
    ...{ config: { width: 8, ffn: 8, heads: 2, maxLength: 8, embeddingTokens: 2, ...specialIds(model.tokenizer) } },
    ...o,
  });

async function search(reward: RewardFn, o: { signal?: AbortSignal } = {}) {
  const steps = optimise(model, reward, { episodes: 16, population: 8, elite: 3, rng: rng(2), ...o });
  for (;;) {
    const next = await steps.next();
    if (next.done) return next.value;
  }
}

const length: RewardFn = (_, list) => list.map((text) => text.length);

test('a reward may sort and fill the list it is given, and answer with an array of numbers', async () => {
  const wanted = await search(length);
  for (const spoil of [(list: string[]) => list.sort(), (list: string[]) => list.fill('spoilt')])
    expect(
      await search((prompts, list) => {
        const rewards = list.map((text) => text.length);
        spoil(list as string[]);
        (prompts as string[]).fill('?');
        return rewards;
      }),
    ).toEqual(wanted);
  expect((await decodeCodes(model, wanted.z))[0]?.text).toBe(wanted.text);
  expect(await search((_, list) => Float32Array.from(list, (text) => text.length) as never)).toEqual(wanted);
  await expect(search((_, list) => new Array(list.length))).rejects.toMatchObject({ reason: 'NOT_FINITE' });
  await expect(search((_, list) => list.map(() => true) as never)).rejects.toMatchObject({ reason: 'NOT_FINITE' });
  const steps = optimise(model, length, { episodes: 16, population: 8, elite: 3 } as never);
  await expect(steps.next()).rejects.toMatchObject({
    reason: 'CONFIG',
    message: expect.stringContaining('optimise.rng'),
  });
});

test('a signal ends what never answers: rewards, embedders, and a translator that is asked after it', async () => {
  const stopping = (): AbortSignal => AbortSignal.timeout(30);
  using made = trainer();
  await made.run({ steps: 1 });
  const e = await embed(texts);
  const mute: Embedder = { ...embedder, embed: () => never() };
  using waiting = trainer({ embedder: mute });
  const late = new AbortController();
  const forward = {
    name: 'there',
    translate: async (list: string[]) => {
      late.abort();
      return list;
    },
  };
  const pivots = [{ name: 'p', forward, back: { name: 'back', translate: () => never<string[]>() } }];
  const [reward, invert, train, trips] = await Promise.allSettled([
    search(() => never(), { signal: stopping() }),
    invertAll({ ...made.inverter, embedder: mute }, e, { steps: 0, signal: stopping() }),
    waiting.run({ steps: 1, signal: stopping() }),
    buildRoundTrips(texts, { pivots, seed: 0, signal: late.signal }).next(),
  ]);
  for (const one of [reward, invert, trips])
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'ERR_STOPPED' } });
  // a trainer that is stopped ends as after its last step
  expect(train.status).toBe('fulfilled');
  expect(waiting.step).toBe(0);
}, 30_000);

describe('textEnv', () => {
  const env = (reward: RewardFn, own = model, observe = (): Float32Array => Float32Array.of(1)) => {
    const made = textEnv(own, { prompts: ['?'], observe, reward, seed: 0 });
    made.reset();
    return made;
  };

  test('takes one vector, no two', () => {
    for (const numbers of [0, 3, 8])
      expect(() => env(length).step(new Float32Array(numbers))).toThrow(expect.objectContaining({ reason: 'SHAPE' }));
    expect(() => env(length).step(1)).toThrow(expect.objectContaining({ reason: 'SHAPE' }));
  });

  test('a reward that fails later is refused as a promise, and nothing else happens; an array of numbers is one', async () => {
    const unheard: unknown[] = [];
    const hear = (error: unknown): void => void unheard.push(error);
    process.on('unhandledRejection', hear);
    const failing = async (): Promise<number[]> => {
      throw new Error('later');
    };
    expect(() => env(failing).step(new Float32Array(4))).toThrow(expect.objectContaining({ reason: 'CONFIG' }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', hear);
    expect(unheard).toEqual([]);
    expect(env((() => Float32Array.of(2)) as never).step(new Float32Array(4)).reward).toBe(2);
  });

  test('weights and observations that are no numbers are told of', async () => {
    using broken = randomModel();
    const { bias } = broken.params.output as { bias: Tensor };
    const none = tensor1d(new Float32Array(bias.size).fill(Number.NaN));
    const params = { ...broken.params, output: { ...(broken.params.output as Params), bias: none } };
    expect(() => env(length, { ...broken, params }).step(new Float32Array(4))).toThrow(
      expect.objectContaining({ reason: 'NOT_FINITE' }),
    );
    none.dispose();
    expect(() => env(length, model, () => Float32Array.of(Number.NaN))).toThrow(
      expect.objectContaining({ reason: 'NOT_FINITE' }),
    );
  });
});

test('codes and vectors that are filled again while they are awaited were read before', async () => {
  const z = sample(model.module.space, 12, { prior: 'uniform', rng: rng(3) });
  const wanted = await decodeCodes(model, z);
  const lent = z.slice();
  const asked = decodeCodes(model, lent, { batchSize: 2 });
  lent.fill(0.1);
  expect((await asked).map(({ text }) => text)).toEqual(wanted.map(({ text }) => text));
  // of an inverter, too; and what is no row of vectors is refused step by step as it is at once
  using made = trainer();
  await made.run({ steps: 1 });
  const e = await embed(texts);
  const known = await invertAll(made.inverter, e, { steps: 0 });
  const again = e.slice();
  const all = invertAll(made.inverter, again, { steps: 0 });
  again.fill(0.1);
  expect(await all).toEqual(known);
  for (const bad of [new Float32Array(6).fill(1), new Float32Array(0), [1, 2, 3, 4], undefined])
    await expect(invertSteps(made.inverter, bad as never, { steps: 0 }).next()).rejects.toMatchObject({
      reason: 'SHAPE',
    });
  await expect(invertSteps(made.inverter, e).next()).rejects.toMatchObject({ reason: 'CONFIG' }); // no corrector
});

test('what would take all memory is refused, and beams beyond the budget take fewer codes at a time', async () => {
  const { space } = model.module;
  const z = sample(space, 6, { prior: 'uniform', rng: rng(4) });
  for (const beams of [1e9, 1e6])
    await expect(decodeCodes(model, z, { beams })).rejects.toMatchObject({ reason: 'CONFIG' });
  for (const memoryBudget of [0, -1, Number.NaN])
    await expect(decodeCodes(model, z, { beams: 3, memoryBudget })).rejects.toMatchObject({ reason: 'CONFIG' });
  const { numTensors } = memory();
  const few = await decodeCodes(model, z, { beams: 3, memoryBudget: 2 ** 15 });
  const all = await decodeCodes(model, z, { beams: 3 });
  expect(few.map(({ text }) => text)).toEqual(all.map(({ text }) => text));
  expect(memory().numTensors - numTensors).toBeLessThan(40); // the state that is kept
  expect(() => sample(space, 1e9, { prior: 'uniform', rng: rng(0) })).toThrow(
    expect.objectContaining({ reason: 'CONFIG', message: expect.stringContaining('sample.n') }),
  );
  expect(() => interpolate(space, z.slice(0, 4), z.slice(4, 8), 1e9)).toThrow(/interpolate\.n/);
  await expect(decodeCodes(model, z, { rng: {} as never, temperature: 1 })).rejects.toMatchObject({ reason: 'CONFIG' });
});

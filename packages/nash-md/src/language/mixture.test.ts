// The per-token mixture: exact numbers, what it is not, and sampling with both models' caches.
import { decoder, sampleCompletions } from '@gimbal/language-models';
import { disposeTree, type LogitPolicy, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory, reshape, softmax, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { refusal } from '../../test/helpers.ts';
import { mixturePolicy } from './policies/mixture-policy.ts';
import { tokenTable } from './policies/token-table.ts';

beforeAll(() => useBackend('auto'));

const prompt = (n = 1) => ({ ids: new Int32Array(n).fill(1), width: 1, lengths: new Int32Array(n).fill(1) });
const one = (...ids: number[]) => ({
  ids: Int32Array.from(ids),
  width: ids.length,
  lengths: Int32Array.of(ids.length),
});
const numbers = (t: Tensor): number[] => [...t.dataSync()];

test('policy (.9, .1) and reference (.5, .5) with weight 0, .25 and 1', () => {
  const table = tokenTable({ vocabulary: 2, length: 1 });
  const [params, reference] = [table.params([Math.log(9), 0]), table.params([3, 3])];
  const at = (mixtureCoef: number): number[] =>
    numbers(softmax(mixturePolicy(table, { reference, mixtureCoef }).logits(params, prompt(), one(0))));
  expect(at(0)).toEqual([0.9, 0.1].map((p) => expect.closeTo(p, 6)));
  expect(at(0.25)).toEqual([0.83861, 0.16139].map((p) => expect.closeTo(p, 6)));
  expect(at(1)).toEqual([0.5, 0.5].map((p) => expect.closeTo(p, 6)));
  expect(refusal(() => mixturePolicy(table, { reference, mixtureCoef: 1.1 }))).toMatch('mixtureCoef: out of range');
});

test('it is not the mixture over whole completions: .5 where that has .4721', () => {
  const table = tokenTable({ vocabulary: 2, length: 2 });
  const at = Math.log(9);
  // second token after a: π (.9, .1), μ (.5, .5); all else uniform
  const [params, reference] = [table.params([0, 0, at, 0, 0, 0]), table.params(new Array(6).fill(0))];
  const mixture = mixturePolicy(table, { reference, mixtureCoef: 0.5 });
  const p = (a: number, b: number): number =>
    Math.exp(numbers(mixture.logProbs(params, prompt(), one(a, b))).reduce((x, y) => x + y, 0));
  expect(p(0, 0) + p(0, 1)).toBeCloseTo(0.5, 6); // exactly normalised at every prefix
  // over sequences: √(.45·.25) + √(.05·.25) against 2·√(.25·.25)
  const [first, second] = [Math.sqrt(0.45 * 0.25) + Math.sqrt(0.05 * 0.25), 0.5];
  expect(first / (first + second)).toBeCloseTo(0.4721, 4);
});

describe('a decoder', () => {
  const model = decoder({ family: 'llama', vocabularySize: 23, width: 16, layers: 2, heads: 2, contextLength: 32 });
  let [params, reference]: Params[] = [];
  beforeAll(() => {
    params = model.init(rng(1));
    reference = model.init(rng(2));
  });
  afterAll(() => {
    for (const tree of [params, reference]) disposeTree(tree as Params);
  });
  const prompts = { ids: Int32Array.of(3, 4, 5, 7, 0, 0), width: 3, lengths: Int32Array.of(3, 1) };

  test('cached logits are those of the whole pass, token by token', async () => {
    const mixture = mixturePolicy(model, { reference: reference as Params, mixtureCoef: 0.3 });
    const o = { maxNewTokens: 6, eosIds: [], rng: rng(3), logProbs: true };
    const drawn = await sampleCompletions(mixture, params as Params, prompts, o);
    const again = numbers(mixture.logProbs(params as Params, prompts, drawn));
    expect([...(drawn.logProbs as Float32Array)]).toEqual(again.map((x) => expect.closeTo(x, 4)));
  });

  test('completions end where the model’s do, and the caches are freed', async () => {
    const ending = decoder({ ...model.config, eosIds: [...Array(12).keys()] });
    const mixture = mixturePolicy(ending, { reference: reference as Params, mixtureCoef: 0.5 });
    const before = memory().numTensors;
    const { lengths, ended, ids, width } = await mixture.sample(params as Params, prompts, {
      maxNewTokens: 20,
      rng: rng(0),
    });
    expect(memory().numTensors).toBe(before);
    for (const [b, n] of lengths.entries()) expect(ended?.[b]).toBe((ids[b * width + n - 1] as number) < 12 ? 1 : 0);
    expect(ended).toContain(1);
  });

  test('with weight 0 or 1 the draws are those of the one policy', async () => {
    const o = { maxNewTokens: 5 };
    for (const [mixtureCoef, tree] of [
      [0, params],
      [1, reference],
    ] as const) {
      const mixture = mixturePolicy(model, { reference: reference as Params, mixtureCoef });
      const a = await mixture.sample(params as Params, prompts, { ...o, rng: rng(5) });
      const b = await model.sample(tree as Params, prompts, { ...o, rng: rng(5) });
      expect(a).toEqual(b);
    }
  });
});

test('a reference of another vocabulary is named as one', () => {
  const [policy, other] = [3, 4].map((vocabulary) => tokenTable({ vocabulary, length: 1 }));
  const [params, reference] = [policy?.params([0, 0, 0]), other?.params([0, 0, 0, 0])] as [Params, Params];
  // what any model's logits may be: as wide as its parameters say
  const wide: LogitPolicy = {
    ...(policy as LogitPolicy),
    logits: (p) => reshape(p.logits as Tensor2D, [1, 1, (p.logits as Tensor2D).shape[1]]),
  };
  const mixture = mixturePolicy(wide, { reference, mixtureCoef: 0.5 });
  const batch = { ids: new Int32Array(1), width: 1, lengths: Int32Array.of(1) };
  expect(() => mixture.logits(params, batch, batch)).toThrow('the reference has another vocabulary; got 4, wanted');
  for (const tree of [params, reference]) disposeTree(tree);
});

// Nash-MD and DPO on an adapter: the base stays, the reference is an adapter too, and log-probabilities are the merged model's.
import { adaptedModel, createLora, decoder, disposeAdapter, mergeLora } from '@gimbal/language-models';
import { disposeTree, flatten, type Params, rng, treeBytes, useBackend } from '@gimbal/tensor-core';
import { memory, type Tensor } from '@tensorflow/tfjs-core';
import { DpoTrainer, NashMdTrainer } from '../index.ts';

beforeAll(() => useBackend('auto'));

const model = decoder({ family: 'llama', vocabularySize: 64, width: 64, layers: 2, heads: 2, contextLength: 32 });
const base = (): Params => model.init(rng(1));
const codec = {
  encode: (texts: readonly string[]) => ({
    ids: new Int32Array(texts.length).fill(5),
    width: 1,
    lengths: new Int32Array(texts.length).fill(1),
  }),
  decode: ({ ids, width, lengths }: { ids: Int32Array; width: number; lengths: Int32Array }) =>
    Array.from(lengths, (n, b) => [...ids.subarray(b * width, b * width + n)].join(' ')),
};
const values = (tree: Params): number[][] => flatten(tree).map(([, t]) => [...(t as Tensor).dataSync()]);

test('the trained policy is the merged model, the base is as it was, and the reference costs an adapter', async () => {
  const weights = base();
  const before = values(weights);
  const adapter = createLora(model.config, weights, { rank: 4 }, rng(2));
  const policy = adaptedModel(model, weights, adapter);
  const bytes = memory().numBytes;
  const trainer = new NashMdTrainer({
    ...{
      policy,
      params: adapter.params,
      codec,
      prompts: ['a'],
      maxNewTokens: 6,
      batchSize: 4,
      learningRate: 1e-2,
      seed: 0,
    },
    preference: (_, a, b) =>
      a.map((x, i) => (x.length > (b[i] as string).length ? 1 : x.length === b[i]?.length ? 0.5 : 0)),
  });
  await trainer.run({ steps: 3 });
  // variables of the adapter, its reference and Adam's two moments: nothing of the size of the model
  expect(memory().numBytes - bytes).toBeLessThan(4.5 * treeBytes(adapter.params));
  expect(treeBytes(adapter.params)).toBeLessThan(treeBytes(weights) / 4);
  expect(values(weights)).toEqual(before);

  const merged = mergeLora(model.config, weights, { ...adapter, params: trainer.params });
  const prompts = { ids: Int32Array.of(5), width: 1, lengths: Int32Array.of(1) };
  const completions = { ids: Int32Array.of(7, 9, 3), width: 3, lengths: Int32Array.of(3) };
  const log = (m: typeof model, params: Params): number[] => [...m.logProbs(params, prompts, completions).dataSync()];
  const [start, trained] = [log(policy, trainer.reference), log(policy, trainer.params)];
  expect(start).toEqual(log(model, weights).map((x) => expect.closeTo(x, 5)));
  expect(trained).toEqual(log(model, merged).map((x) => expect.closeTo(x, 4)));
  expect(Math.abs((trained[0] as number) - (start[0] as number))).toBeGreaterThan(1e-3);
  trainer.dispose();

  using dpo = new DpoTrainer({
    ...{ policy, params: adapter.params, learningRate: 3e-2, batchSize: 1, seed: 0, klCoef: 0.5 },
    data: [{ prompt: Int32Array.of(5), chosen: Int32Array.of(7, 1), rejected: Int32Array.of(9, 1) }],
  });
  const first = await dpo.run({ steps: 1 });
  expect(first?.margin).toBeCloseTo(0, 5); // B is 0: the policy is the reference
  expect((await dpo.run({ steps: 30 }))?.margin).toBeGreaterThan(0.5);
  expect(values(weights)).toEqual(before);
  for (const tree of [merged, weights]) disposeTree(tree);
  disposeAdapter(adapter);
});

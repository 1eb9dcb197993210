// Weights that cannot be quantised, and generation after the weights were written in place.
import { backendExtensions, disposeTree, flatten, type Params, rng, unflatten, useBackend } from '@gimbal/tensor-core';
import { memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import {
  CausalLmTrainer,
  createLora,
  dataset,
  decoder,
  disposeAdapter,
  padBatch,
  quantizeWeights,
  trainTokenizer,
} from '../index.ts';

const size = { vocabularySize: 64, contextLength: 32, width: 32, layers: 2, heads: 2, feedForward: 64 };

const { name } = await useBackend();
const extensions = backendExtensions();
const onBlocks = extensions === undefined ? it.skip : it;
if (extensions === undefined) console.warn(`skipped: ${name} writes no weights in place`);

const weightOf = (params: Params, end: string): Tensor =>
  flatten(params).find(([path]) => path.endsWith(end))?.[1] as Tensor;

onBlocks.each([
  [Number.NaN, /down_proj\.weight": element 7 of its weights is no finite number/],
  [Number.NEGATIVE_INFINITY, /element 7 of its weights is no finite number/],
  [1e9, /scale or offset 0 is no finite number/],
])('refuses weights of %d', async (value, message) => {
  const backend = extensions as NonNullable<typeof extensions>;
  const model = decoder(size);
  const params = model.init(rng(3));
  const weight = weightOf(params, 'down_proj.weight');
  backend.overwrite(weight, (weight.dataSync() as Float32Array).with(7, value));
  const before = memory().numTensors;
  await expect(quantizeWeights(model, params, 'Q8_0')).rejects.toThrow(message);
  expect(memory().numTensors).toBe(before);
  disposeTree(params);
});

onBlocks('generates from weights as they are, also after blocks were written in place', async () => {
  const backend = extensions as NonNullable<typeof extensions>;
  const model = decoder({ ...size, initializerRange: 0.3 });
  const [params, other] = [model.init(rng(3)), model.init(rng(4))];
  const blocks = await quantizeWeights(model, params, 'Q8_0');
  const prompts = padBatch([Int32Array.of(5, 6, 7)], 0);
  const write = async (tree: Params): Promise<number[]> => [
    ...(await model.sample(tree, prompts, { maxNewTokens: 12, temperature: 0, rng: rng(0) })).ids,
  ];
  using packed = model.pack(blocks); // states are kept for the next call meanwhile
  void packed;
  const first = await write(blocks);
  expect(await write(blocks)).toEqual(first);
  const wanted = await write(other);
  expect(wanted).not.toEqual(first);
  const from = new Map(flatten(other));
  for (const [path, weight] of flatten(blocks)) backend.overwrite(weight, (from.get(path) as Tensor).dataSync());
  expect(await write(blocks)).toEqual(wanted);
  for (const tree of [params, other, blocks]) disposeTree(tree);
});

onBlocks('an adapter learns on weights in blocks as it does on their floats', async () => {
  const texts = ['nurse hid coat', 'cook hid coat'];
  const tokenizer = trainTokenizer(texts, { vocabularySize: 270 });
  const model = decoder({ ...size, vocabularySize: 288 });
  const params = model.init(rng(3));
  const blocks = await quantizeWeights(model, params, 'Q8_0');
  const floats = unflatten(flatten(blocks).map(([path, weight]) => [path, tensor(weight.dataSync(), weight.shape)]));
  const fresh = await quantizeWeights(model, params, 'Q8_0');
  const data = dataset(
    texts.map((text) => ({ text })),
    { kind: 'text' },
  );
  const losses = async (tree: Params): Promise<number[]> => {
    const found: number[] = [];
    const adapter = createLora(model.config, tree, { rank: 4 }, rng(1));
    const o = { model, params: tree, tokenizer, data, adapter, batchSize: 2, seed: 1 };
    using trainer = new CausalLmTrainer({ ...o, learningRate: 1e-2 });
    expect(flatten(trainer.params)).toHaveLength(flatten(adapter.params).length);
    for await (const { loss } of trainer.train({ steps: 6 })) found.push(loss);
    disposeAdapter(adapter);
    return found;
  };
  const wanted = await losses(floats);
  expect(wanted[5]).toBeLessThan(wanted[0] as number);
  const got = await losses(fresh);
  for (const [i, loss] of got.entries()) expect(loss).toBeCloseTo(wanted[i] as number, 4);
  // the weights are as they were
  const [before, after] = [blocks, fresh].map((tree) => flatten(tree).map(([, weight]) => [...weight.dataSync()]));
  expect(after).toEqual(before);
  for (const tree of [params, blocks, floats, fresh]) disposeTree(tree);
});

it('refuses GPT-2, whose matrices are stored the other way round', async () => {
  const model = decoder({ ...size, family: 'gpt2' });
  const params = model.init(rng(3));
  await expect(quantizeWeights(model, params, 'Q8_0')).rejects.toThrow(/GPT-2.*stay float32; got "?gpt2/);
  disposeTree(params);
});

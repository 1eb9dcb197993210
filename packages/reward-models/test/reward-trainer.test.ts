// A reward model learns, resumes, is saved, and its scores depend on nothing but the row.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { classifier, dataset, decoder } from '@gimbal/language-models';
import { disposeTree, flatten, type Params, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  accuracyBySlice,
  linearProbe,
  loadReward,
  pairwiseAccuracy,
  type RewardModel,
  RewardTrainer,
  rewardFn,
  rewardModel,
  rewardStats,
  saveReward,
  withBody,
} from '../src/index.ts';
import { colourPairs, colourRows, smallDecoder, smallEncoder, wordTokenizer } from './helpers/toy.ts';

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-reward-'));
});
afterAll(() => rm(dir, { recursive: true }));

const tokenizer = wordTokenizer();
const model = rewardModel(smallDecoder());
const common = { model, tokenizer, data: colourPairs, learningRate: 5e-3, batchSize: 6, seed: 0 } as const;

it('learns which answer is better, resumes to the same numbers, and is saved as a model', async () => {
  const before = memory().numTensors;
  const params = model.init(rng(0));
  const options = { ...common, params, evalData: colourPairs, evalEvery: 60, dropout: 0.05, centerCoef: 0.01 };
  using trainer = new RewardTrainer(options);
  await trainer.run({ steps: 30 });
  await trainer.save(join(dir, 'half'));
  const last = await trainer.run({ steps: 60 });
  expect(last).toMatchObject({ evalAccuracy: 1 });
  for (const name of ['accuracy', 'margin', 'rewardMean', 'rewardStd', 'evalLoss'])
    expect(Number.isFinite(last?.[name])).toBe(true);
  using resumed = await RewardTrainer.resume(join(dir, 'half'), options);
  expect((await resumed.run({ steps: 60 }))?.loss).toBe(last?.loss);
  const turned = dataset(colourRows.map((row) => ({ ...row, label: 0 })));
  await expect(RewardTrainer.resume(join(dir, 'half'), { ...options, data: turned })).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringContaining('another configuration: config.rows'),
  });

  await trainer.save(join(dir, 'whole'));
  const checkpoint = await loadReward(join(dir, 'whole', 'model')); // no reward.json: one label makes it a reward model
  expect(checkpoint.model.kind).toBe('bradley-terry');
  const own = trainer.model();
  await saveReward(join(dir, 'saved'), model, own, { tokenizer, temperature: 1.5, stats: { mean: 0.1, std: 2 } });
  const loaded = await loadReward(join(dir, 'saved'));
  expect(loaded.notes).toEqual({ temperature: 1.5, stats: { mean: 0.1, std: 2 } });
  const ask = (p: Params) => rewardFn(model, p, tokenizer)(['say red', 'say red'], ['it is red', 'it is blue']);
  const scores = await ask(own);
  expect(await ask(loaded.params)).toEqual(scores);
  expect(await ask(checkpoint.params)).toEqual(scores);
  expect((scores[0] as number) - (scores[1] as number)).toBeGreaterThan(1);

  const fn = rewardFn(model, own, tokenizer);
  const slices = await accuracyBySlice(fn, colourRows, ({ prompt }) => prompt);
  expect(Object.keys(slices)).toEqual(['all', 'say black', 'say blue', 'say green', 'say red']);
  expect(slices.all).toMatchObject({ value: 1, n: 12 });
  // Wilson at 12 of 12: 12 / (12 + 3.8415) = .7575
  expect(slices.all?.ci95[0]).toBeCloseTo(0.7575, 4);
  const answers = colourRows.flatMap(({ prompt, chosen, rejected }) => [
    { prompt, completion: chosen },
    { prompt, completion: rejected },
  ]);
  const stats = await rewardStats(fn, answers);
  const standard = rewardFn(model, own, tokenizer, { stats });
  const again = await rewardStats(standard, answers);
  expect(again.mean).toBeCloseTo(0, 5);
  expect(again.std).toBeCloseTo(1, 5);
  for (const tree of [params, own, loaded.params, checkpoint.params]) disposeTree(tree);
  trainer.dispose();
  resumed.dispose();
  expect(memory().numTensors).toBe(before);
});

it('trains an adapter and the head, and saves the model with the adapter worked in', async () => {
  const before = memory().numTensors;
  const params = model.init(rng(1));
  const options = { ...common, learningRate: 2e-2, params, lora: { rank: 4 } };
  using trainer = new RewardTrainer(options);
  await trainer.run({ steps: 80 });
  await trainer.save(join(dir, 'lora'));
  const merged = trainer.model();
  const saved = await loadReward(join(dir, 'lora', 'model'));
  const fn = rewardFn(model, merged, tokenizer);
  expect((await pairwiseAccuracy(fn, colourRows)).value).toBe(1);
  const fromDisk = rewardFn(saved.model as RewardModel, saved.params, tokenizer);
  expect(await fromDisk(['say red'], ['it is red'])).toEqual(await fn(['say red'], ['it is red']));
  expect(flatten(trainer.params).map(([path]) => path)).toContain('score.weight');
  expect(() => new RewardTrainer({ ...options, model: rewardModel(smallEncoder()) })).toThrow(
    /lora: adapters are for decoders/,
  );
  trainer.dispose();
  for (const tree of [params, merged, saved.params]) disposeTree(tree);
  expect(memory().numTensors).toBe(before);
});

it('learns on an encoder, which reads prompt and answer as a pair', async () => {
  const onEncoder = rewardModel(smallEncoder());
  const params = onEncoder.init(rng(0));
  const pairs = wordTokenizer({ pairs: true });
  using trainer = new RewardTrainer({ ...common, model: onEncoder, tokenizer: pairs, params });
  await trainer.run({ steps: 120 });
  const own = trainer.model();
  expect((await pairwiseAccuracy(rewardFn(onEncoder, own, pairs), colourRows)).value).toBe(1);
  for (const tree of [params, own]) disposeTree(tree);
});

it('starts from a language model, with a probed head that is better than none', async () => {
  const lm = decoder(smallDecoder());
  const body = lm.init(rng(3));
  const start = withBody(model, body, rng(0));
  const probed = await linearProbe(model, start, tokenizer, colourPairs, { steps: 200, l2: 1e-4 });
  const byPath = (tree: Params) => new Map(flatten(tree));
  const [a, b] = [byPath(body), byPath(probed)];
  expect(a.get('model.embed_tokens.weight')?.dataSync()).toEqual(b.get('model.embed_tokens.weight')?.dataSync());
  const accuracy = async (p: Params) => (await pairwiseAccuracy(rewardFn(model, p, tokenizer), colourRows)).value;
  expect(await accuracy(probed)).toBeGreaterThan(0.6);
  for (const tree of [body, start, probed]) disposeTree(tree);
});

it('gives one update for eight pairs at once and for eight single pairs', async () => {
  const params = model.init(rng(0));
  const eight = dataset(colourRows.slice(0, 8).map((row, i) => ({ ...row, weight: 1 + (i % 3), margin: i / 8 })));
  const run = async (batchSize: number, accumulate: number) => {
    using trainer = new RewardTrainer({ ...common, data: eight, params, batchSize, accumulate });
    return await trainer.run({ steps: 1 });
  };
  const [one, many] = [await run(8, 1), await run(1, 8)];
  expect(many?.loss).toBeCloseTo(one?.loss as number, 5);
  expect(many?.gradNorm).toBeCloseTo(one?.gradNorm as number, 4);
  expect(one?.tokens).toBe(many?.tokens);
  disposeTree(params);
});

it('keeps tensors and bytes flat over steps', async () => {
  const params = model.init(rng(0));
  using trainer = new RewardTrainer({ ...common, params, logEvery: 50, dropout: 0.1 });
  const seen: [number, number][] = [];
  for await (const s of trainer.train({ steps: 300 })) seen.push([s.tensors, s.memoryBytes]);
  expect(new Set(seen.slice(1).map(String)).size).toBe(1);
  disposeTree(params);
});

it('leaves nothing behind where its options, or the run it would go on with, are none', async () => {
  const params = model.init(rng(0));
  const before = memory().numTensors;
  const options = { ...common, params, lora: { rank: 2 } };
  expect(() => new RewardTrainer({ ...options, learningRate: -1 })).toThrow(/learningRate/);
  await expect(RewardTrainer.resume(join(dir, 'nowhere'), options)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
  expect(() => new RewardTrainer({ ...common, params, overflow: 'cutt' as never })).toThrow(/Did you mean cut/);
  for (const bad of [{ steps: 0 }, { l2: Number.NaN }, { learningRate: -1 }]) {
    const probe = linearProbe(model, params, tokenizer, colourPairs, bad);
    await expect(probe).rejects.toThrow(`linearProbe.${Object.keys(bad)[0]}: `);
  }
  const several = classifier(smallEncoder(), ['calm', 'loud'], { problem: 'multi-label' });
  const rows = dataset([{ text: 'red', label: ['calm'] }]);
  await expect(linearProbe(several, params, tokenizer, rows)).rejects.toThrow('no head of several labels at once');
  expect(memory().numTensors).toBe(before);
  disposeTree(params);
});

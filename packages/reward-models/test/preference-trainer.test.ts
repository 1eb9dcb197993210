// A preference model learns a circle, which no reward can rank.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataset } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import {
  antisymmetrise,
  loadReward,
  type PairRow,
  PreferenceTrainer,
  pairwiseAccuracy,
  preferenceAccuracy,
  preferenceFn,
  preferenceFromReward,
  preferenceModel,
  preferenceOrderBias,
  RewardTrainer,
  rewardFn,
  rewardModel,
  saveReward,
} from '../src/index.ts';
import { smallDecoder, wordTokenizer } from './helpers/toy.ts';

beforeAll(async () => {
  await useBackend('auto');
});

const tokenizer = wordTokenizer();
const beats: PairRow[] = [
  ['paper', 'rock'],
  ['scissors', 'paper'],
  ['rock', 'scissors'],
].map(([chosen, rejected]) => ({ prompt: 'say it', chosen: chosen as string, rejected: rejected as string }));
const data = dataset(beats);
const common = { tokenizer, data, learningRate: 3e-3, batchSize: 3, seed: 0, logEvery: 10 } as const;

describe.each(['antisymmetric', 'skew-symmetric'] as const)('the %s form', (form) => {
  it('learns that each of three beats the next, and is fair to the bit of rounding', async () => {
    const before = memory().numTensors;
    const dir = await mkdtemp(join(tmpdir(), 'gimbal-preference-'));
    const model = preferenceModel(smallDecoder(), { form, embedding: 4 });
    const params = model.init(rng(0));
    const options = { ...common, model, params, evalData: data };
    using trainer = new PreferenceTrainer(options);
    await trainer.run({ steps: 60 });
    await trainer.save(join(dir, 'half'));
    const last = await trainer.run({ steps: 120 });
    expect(last).toMatchObject({ accuracy: 1, evalAccuracy: 1 });
    using resumed = await PreferenceTrainer.resume(join(dir, 'half'), options);
    expect((await resumed.run({ steps: 120 }))?.loss).toBe(last?.loss);

    const own = trainer.model();
    await saveReward(join(dir, 'saved'), model, own, { tokenizer });
    const loaded = await loadReward(join(dir, 'saved'));
    expect(loaded.model).toMatchObject({ kind: 'pairwise', form });
    const fn = preferenceFn(model, loaded.params, tokenizer);
    expect((await preferenceAccuracy(fn, beats)).value).toBe(1);
    const [prompts, a, b] = [beats.map((r) => r.prompt), beats.map((r) => r.chosen), beats.map((r) => r.rejected)];
    expect(Math.min(...(await fn(prompts, a, b)))).toBeGreaterThan(0.8);
    expect(await preferenceOrderBias(fn, prompts, a, b)).toBeLessThan(1e-6);
    const hot = preferenceFn(model, loaded.params, tokenizer, { temperature: 100 });
    expect(Math.max(...(await hot(prompts, a, b)))).toBeLessThan(0.6);
    trainer.dispose();
    resumed.dispose();
    for (const tree of [params, own, loaded.params]) disposeTree(tree);
    expect(memory().numTensors).toBe(before);
    await rm(dir, { recursive: true });
  });
});

it('a reward model gets at most two of the three right', async () => {
  const model = rewardModel(smallDecoder());
  const params = model.init(rng(0));
  using trainer = new RewardTrainer({ ...common, model, params });
  await trainer.run({ steps: 120 });
  const own = trainer.model();
  const fn = rewardFn(model, own, tokenizer);
  const { value } = await pairwiseAccuracy(fn, beats);
  expect(value).toBeLessThan(0.7);
  expect((await preferenceAccuracy(preferenceFromReward(fn), beats)).value).toBeCloseTo(value, 6);
  for (const tree of [params, own]) disposeTree(tree);
});

it('any preference is made fair, and what is no preference is refused', async () => {
  const first = (prompts: readonly string[]) => prompts.map(() => 0.9); // always the one shown first
  const [prompts, a, b] = [['x'], ['y'], ['z']];
  expect(await preferenceOrderBias(first, prompts, a, b)).toBeCloseTo(0.8, 12);
  expect((await antisymmetrise(first)(prompts, a, b))[0]).toBeCloseTo(0.5, 12);
  await expect(preferenceAccuracy(() => [1.5], beats.slice(0, 1))).rejects.toThrow(/preference, row 0: out of range/);
  await expect(preferenceAccuracy(first, [])).rejects.toThrow(/there are none/);
  await expect(preferenceFromReward(() => [null])(['x'], ['y'], ['z'])).rejects.toThrow(/the reward abstains/);
  await expect(preferenceFromReward(() => [Number.NaN])(['x'], ['y'], ['z'])).rejects.toThrow(
    /reward preference, row 0: no reward; got "NaN"/,
  );
  expect(() => preferenceFromReward(() => [], { temperature: 0 })).toThrow(/temperature: out of range/);
  expect(() => preferenceModel(smallDecoder(), { form: 'skew-symmetric', embedding: 3 })).toThrow(/an even number/);
});

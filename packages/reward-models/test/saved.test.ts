// A reward model that Gimbal wrote, opened by Python's transformers: golden/saved/ holds it with the rewards that
// transformers 5.24.0 gave (transformers.json, by golden/check_reward.py). saveReward must still write these very bytes,
// and our model must give those rewards.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Tokenizer } from '@gimbal/language-models';
import { disposeTree, useBackend } from '@gimbal/tensor-core';
import { memory } from '@tensorflow/tfjs-core';
import { answerEncoder, loadReward, type RewardModel, rewardFn, saveReward } from '../src/index.ts';

const folder = fileURLToPath(new URL('golden/saved', import.meta.url));

interface Said {
  class: string;
  cases: { prompt: string; answer: string; ids: number[]; reward: number }[];
}

beforeAll(async () => {
  await useBackend('auto');
});

it('is written today byte for byte as when transformers opened it, and gives its ids and rewards to 1e-4', async () => {
  const { model, params, notes, ...loaded } = await loadReward(folder);
  const tokenizer = loaded.tokenizer as Tokenizer;
  expect(model.kind).toBe('bradley-terry');
  expect(notes).toEqual({ temperature: 1.25 });
  const parent = await mkdtemp(join(tmpdir(), 'gimbal-saved-'));
  try {
    await saveReward(join(parent, 'again'), model, params, { tokenizer, ...notes });
    const files = (await readdir(folder)).filter((file) => file !== 'transformers.json').sort();
    expect((await readdir(join(parent, 'again'))).sort()).toEqual(files);
    for (const file of files) {
      const [ours, golden] = [await readFile(join(parent, 'again', file)), await readFile(join(folder, file))];
      expect({ file, same: ours.equals(golden) }).toEqual({ file, same: true });
    }
  } finally {
    await rm(parent, { recursive: true });
  }

  const said: Said = JSON.parse(await readFile(join(folder, 'transformers.json'), 'utf8'));
  expect(said.class).toBe('LlamaForSequenceClassification');
  const encoder = answerEncoder(model.classifier.config, tokenizer);
  for (const { prompt, answer, ids } of said.cases) expect([...encoder.encode(prompt, [answer]).ids]).toEqual(ids);
  const rewards = await rewardFn(
    model as RewardModel,
    params,
    tokenizer,
  )(
    said.cases.map((c) => c.prompt),
    said.cases.map((c) => c.answer),
  );
  rewards.forEach((r, i) => {
    expect(Math.abs((r as number) - (said.cases[i]?.reward as number))).toBeLessThan(1e-4);
  });
  disposeTree(params);
});

it('what is no reward model is refused', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'gimbal-saved-'));
  await expect(loadReward(join(parent, 'none'))).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
  await rm(parent, { recursive: true });
});

it('is what was asked for by kind, with a tokenizer, or refused with nothing left behind', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'gimbal-saved-'));
  const before = memory().numTensors;
  const { model, params, tokenizer } = await loadReward(folder, { kind: 'bradley-terry' });
  expect(await rewardFn(model, params, tokenizer)(['a'], ['b'])).toEqual([expect.any(Number)]);
  await expect(loadReward(folder, { kind: 'pairwise' })).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT',
    message: expect.stringMatching(/this is a reward model; got "bradley-terry", wanted pairwise, a preference model/),
  });
  await saveReward(join(parent, 'bare'), model, params);
  await expect(loadReward(join(parent, 'bare'), { kind: 'bradley-terry' })).rejects.toThrow(
    /bare: there is no tokenizer.*wanted tokenizer.json/,
  );
  await expect(loadReward(folder, { kind: 'pairwse' as 'pairwise' })).rejects.toThrow(/Did you mean pairwise/);
  disposeTree(params);
  expect(memory().numTensors).toBe(before);
  await rm(parent, { recursive: true });
});

it('a damaged reward.json is refused by its name and entry, with nothing left behind', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'gimbal-saved-'));
  const damaged = join(parent, 'model');
  await cp(folder, damaged, { recursive: true });
  const before = memory().numTensors;
  const load = async (text: string) => {
    await writeFile(join(damaged, 'reward.json'), text);
    return await loadReward(damaged);
  };
  for (const [text, expected] of [
    ['null', /no object; got null/],
    ['[]', /no object/],
    ['"x"', /no object/],
    ['{"temperature":0}', /temperature is out of range; got 0, wanted a number > 0/],
    ['{"templated":"false"}', /templated is out of range; got "false", wanted true or false/],
    ['{"kind":"entailment"}', /kind is out of range; got "entailment"/],
    ['{"kind":"pairwise","form":"zig"}', /form is out of range; got "zig"/],
    ['{"kind":"pairwise","form":"skew-symmetric"}', /form: the head does not fit skew-symmetric; got "1 labels"/],
    ['{"stats":{"mean":"1","std":"2"}}', /stats.mean is out of range; got "1"/],
    ['{"stats":{"mean":1,"std":0}}', /stats.std is out of range; got 0/],
    ['{"stats":[1,2]}', /stats is out of range/],
  ] as const) {
    const message = expect.stringMatching(new RegExp(`reward\\.json: ${expected.source}`));
    await expect(load(text)).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', message });
  }
  expect(memory().numTensors).toBe(before);
  const { params, notes, model } = await load('\uFEFF{"temperature":2}'); // as editors write it
  expect(notes).toEqual({ temperature: 2 });
  const saved = (o: object) => saveReward(join(parent, 'saved'), model, params, o);
  await expect(saved({ temprature: 2 })).rejects.toThrow(/saveReward: unknown option temprature.*mean temperature/);
  await expect(saved({ temperature: 0 })).rejects.toThrow(/saveReward.temperature: out of range/);
  disposeTree(params);
  await rm(parent, { recursive: true });
});

// A run by its name alone, where its folder could stand: runs/cart is `cart` to every command.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decoder, savePretrained, trainTokenizer } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { saveVec2Text, spaceStats, specialIds, trainedModel, vec2text, wordTokenizer } from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { parseJudge, parseReward } from '../src/rl/reward-spec.ts';
import { inputsOf } from '../src/run/inputs.ts';
import { resultOf } from './run-main.ts';

const home = process.cwd();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-run-names-'));
  process.chdir(folder);
  await useBackend('auto');
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

const gimbal = (...argv: string[]) => resultOf(argv, new URL('../src/', import.meta.url));
/** A run's folder, as far as it is told from others. */
async function runNamed(name: string, command: string): Promise<string> {
  const model = join('runs', name, 'model');
  await mkdir(model, { recursive: true });
  await writeFile(join('runs', name, 'config.json'), JSON.stringify({ command, options: {} }));
  return model;
}

test('control evaluates, records and shows it', async () => {
  const train = ['--env', 'CartPole-v1', '--steps', '256', '--episodes', '1', '--out', 'cart'];
  await gimbal('control', 'train', ...train);
  const run = join('runs', 'cart');
  expect(await gimbal('control', 'eval', 'cart', '--episodes', '1')).toMatchObject({ run, step: 256 });
  const seen = { env: 'CartPole-v1', frames: 6 };
  expect(await gimbal('control', 'record', 'cart', '--steps', '5', '--out', 'cart.json')).toMatchObject(seen);
  expect(await gimbal('control', 'view', 'cart', '--steps', '5', '--out', 'cart.html')).toMatchObject(seen);
  const acts = ['--env', 'CartPole-v1', '--policy', 'cart', '--steps', '5', '--out', 'acts.json'];
  expect(await gimbal('control', 'record', ...acts)).toMatchObject(seen);
});

test('it is a reward, a judge, a member of an ensemble, and known by its content when a run goes on', async () => {
  for (const name of ['liked', 'judged']) await writeFile(join(await runNamed(name, 'reward'), 'config.json'), '{}');
  const [liked, judged] = ['liked', 'judged'].map((name) => join('runs', name));
  expect(parseReward('liked=0.5', '')).toEqual({ kind: 'model', of: liked, weight: 0.5, name: 'model' });
  expect(parseReward('entailment:judged?empty=accept', '')).toMatchObject({ kind: 'judge', of: judged });
  expect(parseJudge('judged', '')).toMatchObject({ of: judged });
  const members = [
    { kind: 'model', of: liked },
    { kind: 'judge', of: judged },
  ];
  expect(parseReward('ensemble:liked+entailment:judged', '')).toMatchObject({ members });
  expect(parseReward('ensemble:liked', '')).toMatchObject({ of: liked, members: [] });
  expect(() => parseReward('disliked', '')).toThrow('no such reward');
  const options = { reward: ['liked=0.5', 'entailment:judged'], preference: 'liked' };
  expect(Object.keys(await inputsOf(options))).toEqual([liked, judged]);
});

test('it is the language model that measures what a vector space writes', async () => {
  const { aish } = toyLanguages({ preset: 'typed' });
  const words = wordTokenizer(aish.words);
  const module = vec2text({ vocabSize: words.size, ...specialIds(words), width: 16, heads: 2, controlDim: 4 });
  const codes = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
  using space = trainedModel({
    ...{ module, params: module.init(rng(0)), tokenizer: words },
    stats: spaceStats(module.space, codes),
  });
  await saveVec2Text('space', space);
  const texts = aish.sentences(8, rng(1));
  await writeFile('sentences.txt', texts.join('\n'));
  const tokenizer = trainTokenizer(texts);
  const model = decoder({ vocabularySize: tokenizer.size, width: 16, layers: 1, heads: 2, contextLength: 256 });
  const params = model.init(rng(0));
  await savePretrained(await runNamed('speaks', 'sft'), model, params, { tokenizer });
  disposeTree(params);
  const asked = ['space', '--data', 'sentences.txt', '--samples', '2', '--lm', 'speaks', '--out', 'measured'];
  expect(Object.keys((await gimbal('vec2text', 'evaluate', ...asked)).fluency as object)).toContainEqual(
    expect.stringMatching(/^lmScore/),
  );
});

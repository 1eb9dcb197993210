// The judge of what models write: the same numbers a text and over all of them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeTree, rng, useBackend, writeSafetensors } from '@gimbal/tensor-core';
import { specialIds, vec2text, wordTokenizer } from '@gimbal/vec2text';
import { zeros } from '@tensorflow/tfjs-core';
import type { ClaimContext } from '../../../reproduce/claim.ts';
import { languageModelOf } from './context-model.ts';
import { heldOutRows, world } from './language.ts';

let folder: string;
beforeAll(async () => {
  await useBackend('auto');
  folder = await mkdtemp(join(tmpdir(), 'gimbal-judge-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const context = (): ClaimContext => ({
  ...{ seeds: [0], full: false, backend: 'auto', threads: 1, dir: join(folder, 'claims'), note: () => undefined },
  signal: new AbortController().signal,
});

test('one that lies beside the models is taken; texts without an end, and empty ones, have a likelihood', async () => {
  const tokenizer = wordTokenizer(world.aish.words);
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer) });
  const params = { ...module.init(rng(0)), contexts: zeros([8, module.config.controlDim]) };
  const path = join(folder, 'models', 'language-model-0.safetensors');
  await writeSafetensors(path, params);
  disposeTree(params);
  const judge = await languageModelOf(0, context());
  const texts = heldOutRows(0)
    .slice(0, 300)
    .map(({ text }) => text);
  const scores = await judge.score(texts);
  // fresh weights know little: near the −log V of a uniform guess
  const uniform = -Math.log(tokenizer.size);
  for (const score of scores) expect(Math.abs(score - uniform)).toBeLessThan(1.5);
  // Σ log p over all tokens = Σ of mean · tokens
  const tokens = texts.map((text) => tokenizer.encodeText(text).length + 1);
  const total = scores.reduce((s, score, i) => s + score * (tokens[i] as number), 0);
  expect(judge.loss(texts)).toBeCloseTo(-total / tokens.reduce((a, b) => a + b), 5);
  const endless = new Array(module.config.maxLength).fill('the').join(' ');
  for (const score of await judge.score(['', endless])) expect(Number.isFinite(score)).toBe(true);
});

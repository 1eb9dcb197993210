// What a reward module does outside the calls that are made to it, in a process of its own.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decoder, savePretrained, trainTokenizer } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { runCli } from './cli-process.ts';

let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-module-'));
  await writeFile(join(dir, 'rows.jsonl'), ['a', 'b', 'c', 'd'].map((prompt) => JSON.stringify({ prompt })).join('\n'));
  const tokenizer = trainTokenizer(['a b c d']);
  const model = decoder({ vocabularySize: tokenizer.size, width: 16, layers: 1, heads: 2, contextLength: 16 });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  disposeTree(params);
});
afterAll(() => rm(dir, { recursive: true }));

test.each([
  [
    'rejected',
    'Promise.reject(new Error("boo")); await new Promise((done) => setTimeout(done, 20));',
    2,
    /^error gimbal rl --reward: rejected\.mjs: a promise was rejected that the call had not waited for: boo\. Await it/m,
  ],
  ['exits', 'process.exit(0);', 1, /^error gimbal rl --reward: exits\.mjs ended the process \(process\.exit\)\. /m],
])('a module that %s is told as the one at fault', async (name, body, code, said) => {
  await writeFile(
    join(dir, `${name}.mjs`),
    `export default async (prompts, completions) => { ${body} return completions.map(() => 1); };\n`,
  );
  const given = [
    '--model',
    'base',
    '--data',
    'rows.jsonl',
    '--max-new-tokens',
    '4',
    '--steps',
    '1',
    '--batch-size',
    '4',
  ];
  const ended = await runCli(['rl', ...given, '--reward', `${name}.mjs`, '--out', `run-${name}`], dir);
  expect(ended.stderr).toMatch(said);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.code).toBe(code);
});

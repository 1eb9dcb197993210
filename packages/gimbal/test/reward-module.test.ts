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

const given = '--model base --data rows.jsonl --max-new-tokens 4 --steps 1 --batch-size 4'.split(' ');
const module = (name: string, body: string): Promise<void> =>
  writeFile(
    join(dir, `${name}.mjs`),
    `export default async (prompts, completions) => { ${body} return completions.map(() => 1); };\n`,
  );
const rejects = 'Promise.reject(new Error("boo")); await new Promise((done) => setTimeout(done, 20));';

test.each([
  [
    'rejected',
    rejects,
    2,
    /^error gimbal rl --reward: rejected\.mjs: a promise was rejected that the call had not waited for: boo\. Await it/m,
  ],
  ['exits', 'process.exit(0);', 1, /^error gimbal rl --reward: exits\.mjs ended the process \(process\.exit\)\. /m],
  ['fails', 'process.exit(1);', 1, /^error gimbal rl --reward: fails\.mjs ended the process \(process\.exit\)\. /m],
])('a module that %s is told as the one at fault', async (name, body, code, said) => {
  await module(name, body);
  const ended = await runCli(['rl', ...given, '--reward', `${name}.mjs`, '--out', `run-${name}`], dir);
  expect(ended.stderr).toMatch(said);
  expect(ended.stderr).not.toMatch(/^\s+at /m);
  expect(ended.code).toBe(code);
});

test('of a reward and a monitor nothing says which it was: both are named, once', async () => {
  await module('innocent', '');
  await module('guilty', rejects);
  const pair = ['--reward', 'innocent.mjs', '--monitor', 'guilty.mjs', '--out', 'run-pair'];
  const ended = await runCli(['rl', ...given, ...pair], dir);
  const errors = ended.stderr.split('\n').filter((line) => line.startsWith('error'));
  expect(errors).toEqual([
    expect.stringMatching(
      /^error gimbal rl --reward, gimbal rl --monitor: one of innocent\.mjs, guilty\.mjs: a promise was rejected/,
    ),
  ]);
  expect(ended.code).toBe(2);
});

test('what a module throws outside its calls is told by Node alone', async () => {
  await module(
    'later',
    'setTimeout(() => { throw new Error("late"); }); await new Promise((done) => setTimeout(done, 20));',
  );
  const ended = await runCli(['rl', ...given, '--reward', 'later.mjs', '--out', 'run-later'], dir);
  expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('Error: late')]);
  expect(ended.stderr).not.toContain('ended the process');
});

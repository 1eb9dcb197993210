// The learning rate of gimbal rl: what is taken where none is given, and what a run goes on with.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decoder, savePretrained, trainTokenizer } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  await useBackend('auto');
  dir = await mkdtemp(join(tmpdir(), 'gimbal-rates-'));
  const rows = Array.from({ length: 24 }, (_, i) => `${i % 6} or ${i} ?`);
  await writeFile(join(dir, 'rows.jsonl'), rows.map((prompt) => JSON.stringify({ prompt })).join('\n'));
  // any two completions differ in it, as a rule
  await writeFile(
    join(dir, 'letters.mjs'),
    'export default (prompts, completions) => completions.map((text) => Buffer.from(text).reduce((n, byte) => n + byte) % 7);\n',
  );
  const tokenizer = trainTokenizer(rows);
  const size = { width: 32, layers: 1, heads: 2, contextLength: 24, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  disposeTree(params);
});
afterAll(() => rm(dir, { recursive: true }));

const rl = (...argv: string[]) => runMain(['rl', ...argv], root);
const short = (): string[] => [
  ...['--model', join(dir, 'base'), '--data', join(dir, 'rows.jsonl'), '--max-new-tokens', '6'],
  ...['--reward', join(dir, 'letters.mjs'), '--batch-size', '8', '--held-out', '4', '--steps', '2'],
];

test('without a rate the model’s size gives it: it is printed and kept; a model that hardly moved is told', async () => {
  const run = join(dir, 'own-rate');
  const { code, stderr } = await rl(...short(), '--out', run);
  expect(code).toBe(0);
  const [, rate = ''] = /; learning rate ([\d.]+) for [\d.]+k parameters/.exec(stderr) ?? [];
  expect(Number(rate)).toBe(1e-3);
  const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8')) as { resolved?: object };
  expect(config.resolved).toEqual({ learningRate: 1e-3 });
  expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('--learning-rate 0.001');
  const longer = await rl('--resume', '--out', run, '--steps', '3');
  expect([longer.code, longer.stderr]).toEqual([0, expect.stringMatching(/; learning rate 0\.001\s/)]);
  // its own rate may be said, another may not
  const named = await rl('--resume', '--out', run, '--learning-rate', '0.001');
  expect([named.code, named.stderr]).toEqual([0, expect.stringMatching(/; learning rate 0\.001\s/)]);
  const other = await rl('--resume', '--out', run, '--learning-rate', '0.01');
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('got 0.01, wanted 0.001')]);
  const slow = await rl(...short(), '--learning-rate', '1e-7', '--out', join(dir, 'slow'));
  expect(slow.stderr).toMatch(/The model hardly moved, .*: try a larger --learning-rate than 1e-7/);
  expect(slow.stderr).not.toMatch('overlap');
}, 60_000);

test('a run of an earlier version, which wrote no rate down, goes on with what it began with', async () => {
  const run = join(dir, 'earlier');
  await rl(...short(), '--learning-rate', '1e-5', '--out', run);
  const path = join(run, 'config.json');
  const { resolved: _, ...config } = JSON.parse(await readFile(path, 'utf8'));
  delete config.options.learningRate;
  await writeFile(path, JSON.stringify(config));
  const on = await rl('--resume', '--out', run, '--steps', '3');
  expect([on.code, on.stderr]).toEqual([0, expect.stringMatching(/; learning rate 0\.00001\s/)]);
}, 60_000);

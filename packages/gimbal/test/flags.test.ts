// What a user typed wrongly is said with the flag that was typed, before any work; and lists stand in an order that people
// expect.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-flags-'));
  for (const name of ['model.gguf', 'model.bin', 'rows.foo']) await writeFile(join(folder, name), '');
  const pairs = Array.from({ length: 8 }, (_, i) => JSON.stringify({ prompt: `${i}`, chosen: 'b', rejected: 'c' }));
  await writeFile(join(folder, 'pairs.jsonl'), pairs.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);
test.each<[string[], string]>([
  [['control', 'train', '--env', 'CartPol-v1', '--backend', 'cpu'], 'gimbal control --env: no such environment'],
  [['control', 'view', '--env', 'Ant-v6'], 'gimbal control --env: no such environment'],
  [['control', 'view', '--env', 'Ant-v5', '--env-options', 'x=1'], 'gimbal control --env-options: no such option'],
  [['control', 'train', '--env', 'CliffWorld', '--algo', 'ppx'], 'gimbal control train --algo: no such choice'],
  [
    ['gkd', '--teacher', 'a', '--student', 'b', '--data', 'c', '--divergence', 'fko'],
    'gimbal gkd --divergence: no such',
  ],
  [['nash-md', '--game', 'cyclic', '--solver', 'foo'], 'gimbal nash-md --solver: no such choice'],
  [['quantize', '--model', 'model.bin', '--out', 'x.gguf'], 'gimbal quantize --model: this file is no model; got'],
  [['reward', '--model', 'model.gguf', '--data', 'pairs.jsonl'], 'gimbal reward --model: a .gguf file holds'],
  [['warm', '--model', 'model.gguf', '--data', 'pairs.jsonl'], 'gimbal warm --model: a .gguf file holds'],
  [['reward', '--model', 'model.gguf', '--data', 'rows.foo'], 'rows.foo: files of this ending are not read'],
])('%j', async (argv, message) => {
  const files = ['model.gguf', 'model.bin', 'rows.foo', 'pairs.jsonl', 'x.gguf'];
  const words = argv.map((word) => (files.includes(word) ? at(word) : word));
  const out = words.includes('--out') ? [] : ['--out', at('out')];
  const { code, stderr } = await runMain([...words, ...out], root);
  expect([code, stderr]).toEqual([expect.any(Number), expect.stringContaining(message)]);
  expect([1, 2]).toContain(code);
});

test('claims stand in the order of their numbers', async () => {
  const { stdout } = await runMain(['reproduce', '--help'], root);
  const ids = [...stdout.matchAll(/^ {4}C(\d+) /gm)].map(([, n]) => Number(n));
  expect(ids.length).toBeGreaterThan(10);
  expect(ids).toEqual([...ids].sort((a, b) => a - b));
});

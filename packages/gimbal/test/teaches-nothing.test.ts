// Rewards that teach nothing: gimbal rl and align tell of them, of one that never answers while the run can still be stopped.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decoder, savePretrained, trainTokenizer } from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
const home = process.cwd();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-unrewarded-'));
  process.chdir(folder);
  await useBackend('auto');
  const rows = Array.from({ length: 24 }, (_, i) => ({ prompt: `${i % 6} or ${i} ?`, completion: `${i % 3}` }));
  await writeFile('rows.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await writeFile('null.mjs', 'export default (prompts) => prompts.map(() => null);\n');
  await writeFile('by-prompt.mjs', 'export default (prompts) => prompts.map((text) => Number.parseInt(text, 10));\n');
  const tokenizer = trainTokenizer(rows.map((row) => `${row.prompt}\n${row.completion}`));
  const size = { width: 32, layers: 1, heads: 2, contextLength: 24, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained('base', model, params, { tokenizer });
  disposeTree(params);
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

const rl = ['rl', '--model', 'base', '--data', 'rows.jsonl', '--max-new-tokens', '4', '--held-out', '4'];
const align = [
  ...['align', '--data', 'rows.jsonl', '--size', 'tiny', '--context', '32', '--held-out', '4', '--no-distil'],
  ...['--pretrain-steps', '1', '--fine-tune-steps', '1', '--evaluate-max-new-tokens', '2'],
];
const commands: [string, string[]][] = [
  ['rl', [...rl, '--steps', '2', '--batch-size', '16']],
  ['align', [...align, '--rl-steps', '2', '--rl-batch-size', '16']],
];

test.each(commands)(
  '%s tells at the first step that a reward answers nothing, and ends with an error',
  async (_, argv) => {
    const { code, stderr } = await runMain([...argv, '--reward', './null.mjs'], root);
    expect(code).toBe(2);
    const first = 'warning: no completion of step 1 got a reward: all were abstained on';
    expect(stderr.split(first)).toHaveLength(2);
    expect(stderr).toContain('no completion of 2 steps got a reward: all were abstained on, and nothing was learnt');
  },
);

test.each(commands)('%s tells that most groups were rewarded alike', async (name, argv) => {
  const { code, stderr } = await runMain([...argv, '--reward', './by-prompt.mjs'], root);
  expect([code, stderr]).toEqual([0, expect.stringContaining('all had the same reward in 100.0 % of the groups')]);
  // align samples at a temperature of its own
  expect(stderr.includes('A higher --temperature')).toBe(name === 'rl');
});

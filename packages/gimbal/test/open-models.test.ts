// gimbal sft, merge and quantize on a small model of our own, one after the other.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  adaptTree,
  decoder,
  disposeAdapter,
  evaluateLoss,
  loadAdapter,
  loadPretrained,
  readRows,
  savePretrained,
  splitDataset,
  type Tokenizer,
  tokenRows,
  trainTokenizer,
} from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-open-'));
  await useBackend('auto');
  const rows = Array.from({ length: 40 }, (_, i) => ({
    question: `${i % 6} + ${i % 5} =`,
    answer: `${(i % 6) + (i % 5)}`,
  }));
  await writeFile(join(dir, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const tokenizer = trainTokenizer(rows.map((row) => `${row.question}\n${row.answer}`));
  const size = { width: 32, layers: 2, heads: 2, contextLength: 32, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  disposeTree(params);
});
afterAll(() => rm(dir, { recursive: true }));

const gimbal = async (...argv: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await runMain([...argv, '--json'], root);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

test('an adapter is trained, merged into a folder and a GGUF file, and quantised', async () => {
  const sft = [
    'sft',
    '--model',
    join(dir, 'base'),
    '--data',
    join(dir, 'rows.jsonl'),
    '--columns',
    'prompt=question,completion=answer',
  ];
  const trained = await gimbal(...sft, '--steps', '20', '--learning-rate', '3e-2', '--out', join(dir, 'run'));
  expect(trained.heldOutLoss).toBeLessThan((trained.heldOutLossBefore as number) - 0.1);
  expect((await readdir(join(dir, 'run', 'adapter'))).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  const merge = ['merge', '--model', join(dir, 'base'), '--adapter', join(dir, 'run', 'adapter'), '--out'];
  await gimbal(...merge, join(dir, 'merged'));
  await gimbal(...merge, join(dir, 'merged.gguf'), '--type', 'f32');
  const prompt = ['--prompt', '2 + 3 =', '--temperature', '0', '--max-new-tokens', '4'];
  const [a, b] = [
    await gimbal('generate', '--model', join(dir, 'merged'), ...prompt),
    await gimbal('generate', '--model', join(dir, 'merged.gguf'), '--continue', ...prompt),
  ];
  expect(a.completions).toHaveLength(1);
  expect(b.completions).toHaveLength(1);
  const small = await gimbal(
    'quantize',
    '--model',
    join(dir, 'merged'),
    '--type',
    'q4_0',
    '--out',
    join(dir, 'small.gguf'),
  );
  expect(small.bytes).toBeLessThan(small.float32Bytes as number);
});

test('what is saved is the best of the evaluations, not the last', async () => {
  // eight rows of noise, learnt by heart: the others' loss falls while digits are learnt, then rises
  const noise = rng(9);
  const rows = Array.from({ length: 40 }, (_, i) => ({ question: `${i} of`, answer: `${noise.int(90)}` }));
  await writeFile(join(dir, 'noise.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const columns = ['--columns', 'prompt=question,completion=answer', '--held-out', '32', '--seed', '4'];
  const done = await gimbal(
    ...['sft', '--model', join(dir, 'base'), '--data', join(dir, 'noise.jsonl'), ...columns, '--packing'],
    ...['--steps', '120', '--learning-rate', '3e-2', '--eval-every', '5', '--out', join(dir, 'overfit')],
  );
  expect(done.bestStep).toBeLessThan(120);
  const { model, params, tokenizer } = await loadPretrained(join(dir, 'base'));
  const adapter = await loadAdapter(done.path as string, model.config);
  const data = await readRows(join(dir, 'noise.jsonl'), { columns: { prompt: 'question', completion: 'answer' } });
  const { heldOut } = splitDataset(data, 32, rng(4).split('split'));
  const held = tokenRows(heldOut, tokenizer as Tokenizer, { limit: 32 }).rows;
  const { loss } = await evaluateLoss(model, adaptTree(params, adapter), held);
  expect(loss).toBeCloseTo(done.heldOutLoss as number, 4);
  disposeAdapter(adapter);
  disposeTree(params);
  const early = await gimbal(
    ...['sft', '--model', join(dir, 'base'), '--data', join(dir, 'noise.jsonl'), ...columns, '--padding-free'],
    ...[
      '--steps',
      '400',
      '--learning-rate',
      '3e-2',
      '--eval-every',
      '5',
      '--patience',
      '3',
      '--out',
      join(dir, 'early'),
    ],
  );
  expect(early.steps).toBe((early.bestStep as number) + 15);
});

test('what is missing is said before work starts', async () => {
  const noOut = await runMain(['quantize', '--model', join(dir, 'base')], root);
  expect([noOut.code, noOut.stderr]).toEqual([2, expect.stringMatching(/nothing says which file to write/)]);
  const noRows = await runMain(
    ['sft', '--model', join(dir, 'base'), '--data', join(dir, 'rows.jsonl'), '--out', join(dir, 'none')],
    root,
  );
  expect([noRows.code, noRows.stderr]).toEqual([1, expect.stringMatching(/columns are those of no kind of row/)]);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StageContext } from '../pipeline/stage.ts';
import { type DataResult, stage } from './data.ts';
import { storedRows } from './internal/stored-rows.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-data-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const notes: string[] = [];
async function run(given: { [name: string]: unknown }): Promise<DataResult> {
  const options = stage.options.parse(given);
  notes.length = 0;
  const context = {
    options,
    environment: { seed: 1, backend: 'wasm', threads: 1 },
    dir,
    note: (text: string) => notes.push(text),
  };
  return await stage.run(context as unknown as StageContext<typeof options>);
}
async function prompts(part: string): Promise<string[]> {
  return (await storedRows(dir, part, 'prompt-completion')).rows.map((row) => row.prompt);
}
async function file(rows: readonly { prompt: string; completion: string }[]): Promise<string> {
  const path = join(dir, 'rows.jsonl');
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
}
const pair = (i: number): { prompt: string; completion: string } => ({ prompt: `p ${i}`, completion: `c ${i}` });

test('no row is trained on, chosen on and reported on at once, also where rows are equal', async () => {
  const data = await file(Array.from({ length: 60 }, (_, i) => pair(i % 20)));
  const result = await run({ data, heldOut: 12 });
  expect(result).toMatchObject({ trainRows: 48, heldOutRows: 12, validationRows: 6, duplicates: 40 });
  expect(notes).toEqual([expect.stringMatching(/^40 of 60 rows are equal to one before them; /)]);
  expect(stage.describe(result, {})).toContain('40 equal to others');
  const parts = await Promise.all(['train', 'validation', 'held-out'].map(prompts));
  expect(parts.map((part) => part.length)).toEqual([48, 6, 6]);
  const different = parts.map((part) => new Set(part));
  expect(different.reduce((sum, part) => sum + part.size, 0)).toBe(new Set(parts.flat()).size);
});

test('one held-out row both chooses and is reported on, which the result says', async () => {
  const result = await run({ data: await file([pair(0), pair(1), pair(2)]) });
  expect(result).toMatchObject({ heldOutRows: 1, validationRows: 0 });
  expect(await prompts('validation')).toEqual(await prompts('held-out'));
});

test.each([
  ['one.jsonl', '{"prompt": "a", "completion": "b"}\n', {}, /one\.jsonl: there is one row only.*Add rows/],
  ['one.txt', 'A text.', {}, /one\.txt: it is one paragraph.*by blank lines/],
  ['one.txt', 'A text\nof lines.', {}, /one\.txt: it is one paragraph.*--text-rows line/],
  ['one.txt', 'A\n\ntext.', { textRows: 'document' }, /one\.txt: it is one document.*Leave --text-rows document out/],
])('a single row cannot be held out: %s, %j', async (name, text, options, message) => {
  const data = join(dir, name);
  await writeFile(data, text);
  await expect(run({ data, ...options })).rejects.toThrow(message);
});

test('the generated newsroom holds out articles that are not trained on', async () => {
  const result = await run({ articles: 400, heldOut: 64, world: 'mini' });
  expect(result).toMatchObject({ trainRows: 400, heldOutRows: 64, validationRows: 32 });
  const [train, validation, test] = await Promise.all(['train', 'validation', 'held-out'].map(prompts));
  const others = new Set([...(train as string[]), ...(validation as string[])]);
  expect(test?.filter((prompt) => others.has(prompt))).toEqual([]);
});

test('a count of held-out rows that cannot be is wrong usage', async () => {
  const parsed = (heldOut: number): boolean => stage.options.safeParse({ heldOut }).success;
  expect([0.5, 1, 12, 1.5, 0].map(parsed)).toEqual([true, true, true, false, false]);
  const data = await file([pair(0), pair(1), pair(2)]);
  for (const heldOut of [3, 100, 0.9]) {
    await expect(run({ data, heldOut })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/align --held-out: nothing is left to train on/),
    });
  }
});

test('a text of one paragraph is told how its lines become rows', async () => {
  const data = join(dir, 'lines.txt');
  await writeFile(data, 'one\ntwo\nthree\n');
  await expect(run({ data })).rejects.toThrow(/lines\.txt: it is one paragraph.*--text-rows line/);
  expect(await run({ data, textRows: 'line' })).toMatchObject({ trainRows: 2, heldOutRows: 1 });
});

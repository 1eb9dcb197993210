import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng } from '@gimbal/tensor-core';
import { promptParts, toldShared } from './prompt-parts.ts';
import { refuseEmpty } from './prompt-rows.ts';

const prompts = Array.from({ length: 40 }, (_, i) => `p${i}`);
const parts = (heldOut: number | undefined, choose: boolean) =>
  promptParts('rl', prompts, { heldOut, choose, rng: rng(1) });

test('the step is chosen on prompts that are neither learnt from nor reported on', () => {
  const { training, heldOut, selection } = parts(6, true);
  expect([training.length, heldOut.length, selection.length]).toEqual([28, 6, 6]);
  expect([...training, ...heldOut, ...selection].sort()).toEqual([...prompts].sort());
});

test('what is reported on is the same, whether a step is chosen or not', () => {
  for (const heldOut of [undefined, 6, 0.25]) {
    const [plain, chosen] = [parts(heldOut, false), parts(heldOut, true)];
    expect(chosen.heldOut).toEqual(plain.heldOut);
    expect(plain.selection).toEqual([]);
    expect(plain.training).toEqual(expect.arrayContaining([...chosen.training, ...chosen.selection]));
  }
});

test('two parts must leave something to learn from; a single prompt is all three', () => {
  expect(parts(20, false).training).toHaveLength(20);
  expect(() => parts(20, true)).toThrow(
    'gimbal rl --held-out: nothing is left to train on: --eval-every holds out a second part; got "20 of 40 rows, twice", wanted at most 19 rows',
  );
  expect(() => promptParts('rl', ['a', 'b'], { heldOut: undefined, choose: true, rng: rng(1) })).toThrow(
    '3 rows or more',
  );
  expect(promptParts('rl', ['one'], { heldOut: undefined, choose: true, rng: rng(1) })).toEqual({
    training: ['one'],
    heldOut: ['one'],
    selection: ['one'],
  });
});

test('prompts that stand in two parts are told, whatever their other columns say', () => {
  const row = (prompt: string, answer: string) => ({ prompt, answer });
  const training = [row('a', '1'), 'b', 'c'];
  expect(toldShared({ training, heldOut: [row('a', '2'), 'd'], selection: ['e'] })).toEqual([
    '1 of 2 prompts held out is among the others too, as "a": their reward may be higher than that of new ones',
  ]);
  expect(toldShared({ training, heldOut: ['e', 'd', 'b'], selection: ['c', 'e'] })).toEqual([
    expect.stringMatching(/^2 of 3 prompts held out are among the others too, as "e"/),
    expect.stringMatching(/^1 of 2 prompts that the step is chosen on is among the others too, as "c"/),
  ]);
  expect(toldShared({ training, heldOut: ['d'], selection: [] })).toEqual([]);
  const long = 'x'.repeat(100);
  expect(toldShared({ training: [long], heldOut: [long], selection: [] })[0]).toContain(`as "${'x'.repeat(60)}…"`);
});

test('an empty prompt is refused by its line, but of a model that begins texts with a token', async () => {
  const rows = ['a', { prompt: '' }, ''];
  const folder = mkdtempSync(join(tmpdir(), 'prompts-'));
  try {
    const file = join(folder, 'rows.jsonl');
    writeFileSync(file, '{"prompt":"a"}\n\n{"prompt":""}\n{"prompt":""}\n');
    await expect(refuseEmpty(rows, [], file)).rejects.toMatchObject({
      code: 'ERR_DATA',
      message: expect.stringContaining('rows.jsonl:3: the prompt is empty'),
    });
    await refuseEmpty(rows, [1], file);
    await refuseEmpty(['a', ' '], [], file);
  } finally {
    rmSync(folder, { recursive: true });
  }
  await expect(refuseEmpty(rows, [], 'rows.csv')).rejects.toThrow('rows.csv, row 1: the prompt is empty');
  await expect(refuseEmpty(rows, [])).rejects.toThrow('prompts, row 1: the prompt is empty');
});

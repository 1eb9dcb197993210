// What one does in the space from the command line: the same texts as the library gives, in rows.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  arithmetic,
  decodeCodes,
  encodeTexts,
  interpolate,
  loadVec2Text,
  saveVec2Text,
  spaceStats,
  specialIds,
  trainedModel,
  type Vec2Text,
  vec2text,
  wordTokenizer,
} from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { main } from '../src/cli/main.ts';
import { type Printed, runMain } from './run-main.ts';

const run = (...argv: string[]): Promise<Printed> =>
  runMain(['vec2text', ...argv], new URL('../src/', import.meta.url));
const rowsOf = async <R>(...argv: string[]): Promise<R[]> => {
  const { stdout, stderr } = await run(...argv, '--json');
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as { rows: R[] }).rows;
};
let [folder, path]: [string, string] = ['', ''];
let model: Vec2Text;
const { aish } = toyLanguages({ preset: 'typed' });
const [first, second, third] = aish.sentences(3, rng(4)) as [string, string, string];

beforeAll(async () => {
  await useBackend('auto');
  folder = await mkdtemp(join(tmpdir(), 'gimbal-vec2text-space-'));
  path = join(folder, 'model');
  const tokenizer = wordTokenizer(aish.words);
  const sizes = { width: 16, heads: 2, controlDim: 4, maxLength: 18 };
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), ...sizes });
  const stats = spaceStats(
    module.space,
    Float32Array.from({ length: 40 }, (_, i) => Math.sin(i)),
  );
  using made = trainedModel({ module, params: module.init(rng(0)), tokenizer, stats });
  await saveVec2Text(path, made);
  model = await loadVec2Text(path);
});
afterAll(async () => {
  model.dispose();
  await rm(folder, { recursive: true });
});

test('interpolate: places and texts of the way, straight or not, as far as is asked', async () => {
  const z = await encodeTexts(model, [first, second]);
  const k = model.module.space.dim;
  const way = interpolate(model.module.space, z.slice(0, k), z.slice(k), 3);
  const texts = (await decodeCodes(model, way)).map(({ text }) => text);
  const ends = ['--text', first, '--text', second];
  expect(await rowsOf('interpolate', path, ...ends, '--points', '3')).toEqual(
    texts.map((text, i) => ({ alpha: i / 2, text })),
  );
  const printed = await run('interpolate', path, ...ends, '--points', '3');
  expect(printed.stdout.split('\n')[1]).toBe(`0.50  ${texts[1]}`);
  const far = ['--alphas', '-0.5,1.5', '--extrapolate', '--project', '--mode', 'slerp'];
  expect(await rowsOf<{ alpha: number }>('interpolate', path, ...ends, ...far)).toMatchObject([
    { alpha: -0.5 },
    { alpha: 1.5 },
  ]);
  expect((await run('interpolate', path, ...ends, '--alphas', '2')).code).not.toBe(0);
  const one = await run('interpolate', path, '--text', first);
  expect([one.code, one.stderr]).toEqual([
    2,
    expect.stringMatching(/--text: another number of sentences; got 1, wanted 2/),
  ]);
});

test('perturb, nearest, arithmetic: so many rows for each sentence, into a file where one is named', async () => {
  const near = ['perturb', path, '--text', first, '--text', second, '--scale', '0', '--sample', '2'];
  const [back] = await decodeCodes(model, await encodeTexts(model, [first]));
  const rows = await rowsOf<{ of: string; text: string }>(...near);
  expect(rows.map((row) => row.of)).toEqual([first, first, second, second]);
  expect(rows[0]?.text).toBe(back?.text);
  const data = join(folder, 'known.csv');
  await writeFile(data, ['sentence', third, second, first].join('\n'));
  const out = join(folder, 'near.jsonl');
  const asked = ['--data', data, '--columns', 'text=sentence', '--neighbours', '2', '--out', out];
  expect((await run('nearest', path, '--text', first, ...asked)).code).toBe(0);
  const found = (await readFile(out, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(found).toHaveLength(2);
  expect(found[0]).toEqual({ of: first, text: first, distance: expect.closeTo(0, 5) });
  const z = await encodeTexts(model, [first, second, third]);
  const [a, b, c] = [0, 4, 8].map((at) => z.slice(at, at + 4)) as [Float32Array, Float32Array, Float32Array];
  const sum = arithmetic(
    model.module.space,
    [
      { z: a, w: 1 },
      { z: b, w: 0.5 },
      { z: c, w: -0.5 },
    ],
    { project: true },
  );
  const [text] = await decodeCodes(model, sum, { project: true });
  const terms = ['--text', first, '--plus', second, '--minus', third, '--weight', '.5', '--project'];
  expect(await rowsOf('arithmetic', path, ...terms)).toEqual([{ of: first, text: text?.text }]);
  expect((await run('arithmetic', path, '--text', first)).stderr).toContain('nothing to add');
  // texts are no array
  for (const action of ['perturb', 'optimise', 'invert']) {
    const what = action === 'optimise' ? ['--reward', 'repetition'] : ['--text', first];
    const { code, stderr } = await run(action, path, ...what, '--out', join(folder, 'texts.npy'));
    const told = `vec2text ${action} --out: answers are written as JSON Lines, not as an array of numbers`;
    expect([code, stderr]).toEqual([2, expect.stringContaining(told)]);
  }
  expect((await run('nearest', path, '--text', first)).stderr).toContain('no sentences to look among');
});

test('a reader that leaves ends what it would have read; what is kept until the last row is there has a limit', async () => {
  const unread = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('nobody reads'), { code: 'EPIPE' })),
    autoDestroy: false,
  });
  const stderr = new Writable({ write: (_chunk, _encoding, done) => done() });
  const argv = ['vec2text', 'decode', path, '--sample', '1000000000'];
  expect(await main(argv, { root: new URL('../src/', import.meta.url), streams: { stdout: unread, stderr } })).toBe(0);
  const many = await run('decode', path, '--sample', '100001', '--json');
  expect([many.code, many.stderr]).toEqual([
    2,
    expect.stringMatching(/decode --sample: too many rows; got 100001, wanted at most 100000.*give --out/s),
  ]);
  for (const [action, flag] of [
    ['perturb', '--sample'],
    ['interpolate', '--points'],
  ] as const)
    expect((await run(action, path, ...['--text', first, '--text', second], flag, '1000000')).stderr).toContain(
      `${action} ${flag}: too many rows`,
    );
}, 60_000);

test('a text that cannot be read is named by its line, or its flag, and its beginning', async () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr } = await run(...argv);
    expect(code).toBe(2);
    return stderr;
  };
  const [lines, table, long] = ['words.txt', 'words.csv', 'long.txt'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(lines, [first, '', second, 'the boy saw the elephant'].join('\n'));
  await writeFile(table, ['id,sentence', `1,${first}`, '2,the boy saw the elephant'].join('\n'));
  await writeFile(long, [first, new Array(20).fill('the boy').join(' ')].join('\n'));
  const manyLines = [...new Set(aish.sentences(2000, rng(7)))].filter((text) => text.split(' ').length <= 16);
  expect(manyLines.length).toBeGreaterThanOrEqual(300);
  const unknown = 'a word that the vocabulary has not; got "elephant"';
  expect(await refused('encode', path, '--data', lines)).toContain(`${lines}:4: ${unknown}`);
  const columns = ['--columns', 'text=sentence'];
  expect(await refused('encode', path, '--data', table, ...columns)).toContain(`${table}:3: ${unknown}`);
  expect(await refused('encode', path, '--data', long)).toContain(
    `${long}:2: ‘the boy the boy the boy the boy the boy …’ is longer than the model, in tokens; got 40, wanted at most 17`,
  );
  const texts = ['--text', first, '--text', 'the boy saw the elephant'];
  expect(await refused('encode', path, ...texts)).toContain(`encode --text, sentence 2 of 2: ${unknown}`);
  expect(await refused('nearest', path, '--text', first, '--data', lines)).toContain(` ${lines}:4: ${unknown}`);
  expect(await refused('nearest', path, ...texts, '--data', lines)).toContain('nearest --text, sentence 2 of 2: ');
  const drawn = ['--sample', '2', '--prior', 'empirical', '--data', lines];
  expect(await refused('decode', path, ...drawn)).toContain(` ${lines}:4: ${unknown}`);
  const sum = ['--text', first, '--plus', 'the elephant'];
  expect(await refused('arithmetic', path, ...sum)).toContain(`arithmetic --plus: ${unknown}`);
  const out = ['--out', join(folder, 'unknown')];
  expect(await refused('evaluate', path, '--data', lines, ...out)).toContain(` ${lines}:4: ${unknown}`);
  expect(await refused('explore', path, '--data', lines, ...out)).toContain(` ${lines}:4: ${unknown}`);
  // a page shows the first 300 different sentences, and of a row its sentence alone
  const edited = join(folder, 'edited.csv');
  await writeFile(edited, ['text,edit', `${first},the elephant`, `${second},`].join('\n'));
  expect((await run('explore', path, '--data', edited, '--out', join(folder, 'edited.html'))).code).toBe(0);
  await writeFile(edited, ['text,edit', `${first},the elephant`, 'the elephant,'].join('\n'));
  expect(await refused('explore', path, '--data', edited, ...out)).toContain(` ${edited}:3: ${unknown}`);
  await writeFile(lines, [...manyLines, 'the boy saw the elephant'].join('\n'));
  expect((await run('explore', path, '--data', lines, '--out', join(folder, 'many.html'))).code).toBe(0);
  // what is left out is told by its first
  const measured = ['--samples', '2', '--out', join(folder, 'measured')];
  await writeFile(lines, [first, second, third, new Array(20).fill('the boy').join(' ')].join('\n'));
  expect((await run('evaluate', path, '--data', lines, ...measured)).stderr).toMatch(
    /1 sentence left out: the model reads at most 17 tokens, not ‘the boy the boy .*…’ of 40 tokens/,
  );
}, 60_000);

test('what the library refuses of options is said with their flags, of training before it begins', async () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr } = await run(...argv);
    expect([code, stderr]).toEqual([2, expect.not.stringMatching(/round trips|memoryBudget|vec2text[.:]/)]);
    return stderr;
  };
  const data = join(folder, 'train.txt');
  await writeFile(data, aish.sentences(8, rng(6)).join('\n'));
  let runs = 0;
  const train = (...argv: string[]): Promise<string> =>
    refused('train', '--data', data, ...argv, '--out', join(folder, `refused-${runs++}`));
  expect(await train('--heads', '3', '--width', '16')).toContain(
    'gimbal vec2text train --width: out of range; got 16, wanted a multiple of --heads, 3',
  );
  expect(await train('--space', 'sphere', '--control-dim', '1')).toContain('train --control-dim: out of range; got 1');
  expect(await train('--max-length', '1')).toContain('train --max-length: out of range');
  expect(await train('--steps', '2', '--warmup', '9')).toContain('train --warmup: the warm-up is longer than the run');
  expect(await train('--kl-coef', '1')).toMatch(/train --kl-coef: .*got "--space box", wanted --space free/);
  expect(await train('--samples', '1')).toContain('--samples: out of range');
  expect(await train('--objective', 'ae', '--vocabulary', '9')).toContain('train --vocabulary: out of range');
  const drawn = ['decode', path, '--sample', '2'];
  expect(await refused(...drawn, '--beams', '1000000')).toMatch(
    /decode --beams: .*[\d.]+ MiB for the 1000000 beams of a code.*at most 256 MiB: fewer --beams, or a larger --memory-budget/,
  );
  expect(await refused(...drawn, '--beams', '600', '--memory-budget', '1')).toContain('at most 1 MiB');
  expect(await refused(...drawn, '--beams', '2', '--temperature', '1')).toContain('decode --beams: out of range');
  const two = ['--text', first, '--text', second];
  expect(await refused('interpolate', path, ...two, '--alphas', '2')).toMatch(/interpolate --alphas: .*--extrapolate/);
  expect(await refused('optimise', path, '--reward', 'length:0..5', '--elite', '70')).toContain(
    'optimise --elite: out of range; got 70, wanted at most --population, 60',
  );
}, 60_000);

test('optimise: a reward says what a good text is, and the best found comes with its vector', async () => {
  const search = ['--episodes', '40', '--population', '20', '--elite', '4'];
  const built = await rowsOf<{ text: string; reward: number | null; code: number[] }>(
    ...['optimise', path, '--reward', 'length:0..5', ...search],
  );
  expect(built).toEqual([
    { text: expect.any(String), reward: expect.any(Number), code: expect.any(Array) },
    { text: expect.any(String), reward: null, code: expect.any(Array) },
  ]);
  expect((await run('optimise', path)).stderr).toContain('what is a good text?');
  expect((await run('optimise', path, '--reward', 'exact')).stderr).toContain('there is no answer to compare with');
});

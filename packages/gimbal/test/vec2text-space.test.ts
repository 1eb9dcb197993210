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

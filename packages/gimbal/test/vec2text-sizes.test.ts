// Sizes that gimbal vec2text is asked for: of blocks, of what is made first, and what is refused before it is made.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng } from '@gimbal/tensor-core';
import { toyLanguages } from '@gimbal/worlds';
import { type Printed, runMain } from './run-main.ts';

const run = (...argv: string[]): Promise<Printed> =>
  runMain(['vec2text', ...argv], new URL('../src/', import.meta.url));
let [folder, data]: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-vec2text-sizes-'));
  data = join(folder, 'sentences.txt');
  await writeFile(data, toyLanguages({ preset: 'typed' }).aish.sentences(12, rng(1)).join('\n'));
});
afterAll(() => rm(folder as string, { recursive: true }));

let runs = 0;
const out = (): string => join(folder as string, `run-${runs++}`);
const own = (): string[] => ['--data', data as string];

async function refused(...argv: string[]): Promise<string> {
  const { code, stderr } = await run(...argv, '--out', out());
  expect([code, stderr]).toEqual([2, expect.stringContaining('error')]);
  return stderr;
}

const configOf = async (...path: string[]): Promise<object> =>
  JSON.parse(await readFile(join(...path, 'config.json'), 'utf8')) as object;

test('blocks have the width inside and the numbers of their flags, of a model and of both stages of an inverter', async () => {
  const small = ['--width', '8', '--heads', '2', '--steps', '1', '--vocabulary', '280'];
  const [model, plain, inverter] = [out(), out(), out()];
  const train = ['train', ...own(), ...small, '--objective', 'ae', '--samples', '4'];
  const asked = ['--ffn', '12', '--encoder-layers', '2'];
  expect((await run(...train, ...asked, '--out', model)).code).toBe(0);
  expect(await configOf(model, 'model')).toMatchObject({ ffn: 12, encoderLayers: 2, decoderLayers: 1 });
  expect((await run(...train, '--layers', '2', '--decoder-layers', '3', '--out', plain)).code).toBe(0);
  expect(await configOf(plain, 'model')).toMatchObject({ ffn: 16, encoderLayers: 2, decoderLayers: 3 });
  const invert = ['invert', ...own(), ...small, '--embedder', model, '--corrections', '1', '--guesses', '1'];
  expect((await run(...invert, '--ffn', '12', '--decoder-layers', '2', '--out', inverter)).code).toBe(0);
  expect(await configOf(inverter, 'model')).toMatchObject({ ffn: 12, encoderLayers: 1, decoderLayers: 2 });
  // a model that training goes on from has its own
  for (const flag of ['--ffn', '--encoder-layers', '--decoder-layers'])
    expect(await refused('train', model, ...own(), flag, '2')).toContain(`train ${flag}: ${model} has its own`);
}, 120_000);

test('sizes that mean nothing, or that memory does not hold, are refused', async () => {
  const both = ['--layers', '2', '--encoder-layers', '1', '--decoder-layers', '1'];
  expect(await refused('train', ...both)).toContain('train --layers: --encoder-layers and --decoder-layers say it');
  expect(await refused('invert', ...own(), '--embedder', 'none', ...both)).toContain('invert --layers:');
  expect(await refused('train', '--ffn', '0')).toContain('--ffn: out of range');
  expect(await refused('decode', 'none', '--sample', '2', '--encoder-layers', '2')).toContain('--encoder-layers');
  for (const flag of ['--sentences', '--rows'])
    expect(await refused('train', flag, '100000000')).toMatch(
      new RegExp(`${flag}: more than 2000000 sentences, which are all made first and kept in memory.*--batch-size`),
    );
});

test('a vocabulary below the bytes, and a length that leaves none to measure, are refused before round trips', async () => {
  const vocabulary = await refused('train', ...own(), '--vocabulary', '259');
  expect(vocabulary).toMatch(/train --vocabulary: out of range; got 259, wanted .*260/);
  // five words or more: not one of them is read in two tokens
  const length = await refused('train', ...own(), '--max-length', '3');
  expect(length).toMatch(
    /--held-out: too few sentences that the model can read; got "0 of 2".*2 or more of at most 2 tok/,
  );
  expect(length).toContain('larger --max-length');
  for (const stderr of [vocabulary, length]) expect(stderr).not.toMatch(/round trips|come back/);
});

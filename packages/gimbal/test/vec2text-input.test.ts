// What users hand to gimbal vec2text: files from other systems, round trips of their own, damaged folders.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng, useBackend } from '@gimbal/tensor-core';
import {
  saveVec2Text,
  spaceStats,
  specialIds,
  textTokenizer,
  trainedModel,
  vec2text,
  wordTokenizer,
} from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { embedderOf } from '../src/vec2text/embedder.ts';
import { readCodes, readSentences } from '../src/vec2text/open.ts';
import { readPairs, withoutHeld } from '../src/vec2text/pairs.ts';
import { type Printed, runMain } from './run-main.ts';

const run = (...argv: string[]): Promise<Printed> =>
  runMain(['vec2text', ...argv], new URL('../src/', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-vec2text-input-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

test('files of other systems: a byte order mark and CRLF are read, UTF-16 and what is no row is refused by its line', async () => {
  const rows = [{ text: 'the boy' }, { text: 'the girl' }];
  expect(await readSentences(await file('a.txt', '\ufeffthe boy\r\nthe girl\r\n'))).toEqual(rows);
  const lines = rows.map((row) => JSON.stringify(row)).join('\r\n');
  expect(await readSentences(await file('a.jsonl', `\ufeff${lines}`))).toEqual(rows);
  expect(Array.from(await readCodes(await file('c.jsonl', '\ufeff[1,2]\r\n{"code":[3,4]}'), 2))).toEqual([1, 2, 3, 4]);
  for (const [name, mark] of [
    ['marked', '\ufeff'],
    ['plain', ''],
  ] as const) {
    const wide = await file(`${name}.txt`, Buffer.from(`${mark}the boy\nthe girl\n`, 'utf16le'));
    await expect(readSentences(wide)).rejects.toThrow(/UTF-8 text.*iconv/);
  }
  for (const line of ['null', '3', '"text"', '{"text":"  "}', '{"text":""}', '{"txt":"b"}'])
    await expect(readSentences(await file('bad.jsonl', `{"text":"a"}\n${line}\n`))).rejects.toThrow('bad.jsonl:2');
  await expect(readCodes(await file('none.jsonl', 'null\n'), 2)).rejects.toThrow('none.jsonl:1');
  // sentences where vectors are wanted
  const sentences = await file('sentences.txt', 'the boy saw the box\n');
  await expect(readCodes(sentences, 2)).rejects.toThrow(
    /sentences\.txt:1.*no vectors.*"the boy saw the box".*vec2text encode/s,
  );
});

test('round trips of one’s own: rows of source and rtt, or a run’s file; none of a held-out sentence', async () => {
  const own = ['{"source":"a b","rtt":"b a"}', '{"source":"c d","rtt":"d c"}'].join('\n');
  const pairs = [
    { source: 'a b', rtt: 'b a' },
    { source: 'c d', rtt: 'd c' },
  ];
  const path = await file('pairs.jsonl', own);
  expect(await readPairs(path)).toEqual(pairs);
  const kept = ['{"seed":0,"pivots":[["p","f","b"]]}', JSON.stringify({ batch: 0, rows: pairs }), ''].join('\n');
  expect(await readPairs(await file('kept.jsonl', kept))).toEqual(pairs);
  expect(withoutHeld(pairs, [{ text: 'a  b ' }], path)).toEqual(pairs.slice(1));
  expect(() => withoutHeld(pairs, [{ text: 'a b' }, { text: 'c d' }], path)).toThrow('held-out');
  for (const line of ['{"source":"a"}', '{"source":"a","rtt":" "}', '3', '{'])
    await expect(readPairs(await file('odd.jsonl', `${own}\n${line}`))).rejects.toThrow('odd.jsonl:3');
  await expect(readPairs(join(folder, 'nowhere'))).rejects.toThrow('--pairs: no such file');
});

test('train takes round trips of one’s own; the refusals come before any step', async () => {
  const texts = 'boy girl doctor king'.split(' ').flatMap((a) => 'lamp box cup'.split(' ').map((b) => `${a} saw ${b}`));
  const data = await file('own.txt', texts.join('\n'));
  const pairs = await file('own.jsonl', texts.map((source) => JSON.stringify({ source, rtt: source })).join('\n'));
  const sizes = ['--steps', '2', '--width', '16', '--vocabulary', '280'];
  const out = join(folder, 'mine');
  const trained = await run('train', '--data', data, '--pairs', pairs, ...sizes, '--out', out, '--json');
  expect(trained.stderr).not.toContain('error');
  expect([trained.code, (JSON.parse(trained.stdout) as { steps: number }).steps]).toEqual([0, 2]);
  expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('10 sentences'); // two are held out
  expect((await run('train', '--pairs', pairs, ...sizes, '--out', join(folder, 'x'))).stderr).toMatch(
    /--pairs: it is for sentences of yours/,
  );
  const some = texts.map((text, i) => JSON.stringify({ text, ...(i > 5 && { rtt: text }) })).join('\n');
  const mixed = await run('train', '--data', await file('some.jsonl', some), ...sizes, '--out', join(folder, 'y'));
  expect(mixed.stderr).toMatch(/some rows have a round trip and others have none/);
  await writeFile(join(out, 'config.json'), '{"opt');
  expect((await run('explore', out, '--out', join(folder, 'p.html'))).stderr).toMatch(/config.json.*damaged/);
}, 120_000);

test('a model as embedder reads the beginning of a longer guess, also where that ends within a character', async () => {
  await useBackend('auto');
  const tokenizer = textTokenizer(['the boy'], { vocabularySize: 260 });
  const sizes = { width: 16, heads: 2, controlDim: 4, maxLength: 7 };
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), ...sizes });
  const stats = spaceStats(module.space, Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1));
  using model = trainedModel({ module, params: module.init(rng(0)), tokenizer, stats });
  const embedder = await embedderOf(model, { name: 'own', hash: 'h' });
  // six bytes are read: two letters and a face, or five letters and a part of one
  const [whole, part] = ['ab😀and more', 'abcde😀and more'];
  const codes = await embedder.embed([whole, 'ab😀', part]);
  expect(codes.slice(0, 4)).toEqual(codes.slice(4, 8));
  expect(codes).toHaveLength(12);
});

test('a model of the reversible language is evaluated on that language, without being told', async () => {
  await useBackend('auto');
  const tokenizer = wordTokenizer(toyLanguages({ preset: 'reversible' }).aish.words);
  const sizes = { width: 16, heads: 2, controlDim: 4, maxLength: 18 };
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), ...sizes });
  const stats = spaceStats(module.space, Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1));
  using model = trainedModel({ module, params: module.init(rng(0)), tokenizer, stats });
  const [path, out] = [join(folder, 'reversible'), join(folder, 'reversible-measured')];
  await saveVec2Text(path, model);
  const { code, stderr } = await run('evaluate', path, '--rows', '10', '--samples', '10', '--out', out);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('the generated language (reversible)');
}, 120_000);

// What users hand to gimbal vec2text: files from other systems, round trips of their own, damaged folders.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
import { refuseOwnKind } from '../src/vec2text/open.ts';
import { readPairs, withoutHeld } from '../src/vec2text/pairs.ts';
import { readSentences } from '../src/vec2text/sentences.ts';
import { checkTextsOut, checkVectorsOut, readCodes, writeVectors } from '../src/vec2text/vectors.ts';
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

test('tables are read as other commands read them: columns by name, JSON arrays refused with what to do', async () => {
  const csv = await file('a.csv', 'id,sentence,topic\n1,"the boy, red",3\n2,the girl,\n');
  expect(await readSentences(csv, { text: 'sentence', group: 'topic' })).toEqual([
    { text: 'the boy, red', group: '3' },
    { text: 'the girl' },
  ]);
  await expect(readSentences(csv)).rejects.toThrow(/no column text.*--columns text=/s);
  await expect(readSentences(csv, { texts: 'sentence' })).rejects.toThrow(/Did you mean text=sentence/);
  await expect(readSentences(await file('a.json', '[{"text":"the boy"}]'))).rejects.toThrow(/convert it: node -e/);
  await expect(readSentences(await file('odd.jsonl', '{"text":"a","rtt":3}'))).rejects.toThrow(/odd\.jsonl:1.*rtt/s);
  await expect(readSentences(await file('b.txt', 'the boy'), { text: 'x' })).rejects.toThrow(/no columns/);
  await expect(readSentences(await file('none.txt', ' \n'))).rejects.toThrow(/no rows/);
});

test('vectors as NumPy has them: read and written, and what is no such array refused', async () => {
  // numpy 2: np.save('x.npy', np.array([[1, 2], [3, 4.5]], '<f8')); the bytes of its header, then the numbers
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }".padEnd(117).concat('\n');
  const bytes = Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]),
    Buffer.from(header, 'latin1'),
    Buffer.from(Float64Array.of(1, 2, 3, 4.5).buffer),
  ]);
  expect(Array.from(await readCodes(await file('x.npy', bytes), 2))).toEqual([1, 2, 3, 4.5]);
  const own = join(folder, 'own.npy');
  await writeVectors(
    own,
    [
      { text: 'a', code: [1, 2, 3] },
      { text: 'b', code: [4, 5, 6] },
    ],
    3,
  );
  expect((await readFile(own)).subarray(0, 128).toString('latin1')).toMatch(
    /NUMPY..v.\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} +\n$/s,
  );
  expect(Array.from(await readCodes(own, 3))).toEqual([1, 2, 3, 4, 5, 6]);
  await expect(readCodes(own, 2)).rejects.toThrow(/no vectors of the model; got \[2,3\]/);
  await expect(readCodes(await file('cut.npy', bytes.subarray(0, 150)), 2)).rejects.toThrow(/cut short/);
  await expect(readCodes(await file('no.npy', 'the boy saw the box'), 2)).rejects.toThrow(/no \.npy/);
  const ints = Buffer.from(bytes.toString('latin1').replace('<f8', '<i8'), 'latin1');
  await expect(readCodes(await file('ints.npy', ints), 2)).rejects.toThrow(/another kind; got "<i8"/);
  await expect(readCodes(await file('big.jsonl', '[1,2]\n[1e39,2]'), 2)).rejects.toThrow(/big\.jsonl:2.*float32/);
  await expect(readCodes(await file('word.jsonl', '[1,2]\n{"code":[1,"2"]}'), 2)).rejects.toThrow(
    /word\.jsonl:2: coordinate 1 is no number; got "2"/,
  );
  const none = join(folder, 'none.npy');
  await writeVectors(none, [], 3);
  await expect(readCodes(none, 3)).rejects.toThrow(/none\.npy: the file has no vector; got \[0,3\]/);
  const zeros = join(folder, 'zeros.npy');
  await writeVectors(
    zeros,
    [1, 0].map((x) => ({ text: 'a', code: [x, 0, 0] })),
    3,
  );
  expect(await readCodes(zeros, 3)).toHaveLength(6);
  await expect(readCodes(zeros, 3, { directions: true })).rejects.toThrow(/zeros\.npy, row 1: a vector of zeros/);
  await expect(readCodes(await file('zeros.jsonl', '[1,2]\n[0,0]'), 2, { directions: true })).rejects.toThrow(
    /zeros\.jsonl:2: a vector of zeros/,
  );
  for (const ending of ['npy', 'jsonl'])
    await expect(checkTextsOut(join(folder, `texts.${ending}`))).rejects.toThrow(/wanted \.txt, a sentence a line/);
  await checkTextsOut(join(folder, 'texts.txt'));
  await mkdir(join(folder, 'ours', 'model'), { recursive: true });
  await writeFile(join(folder, 'ours', 'model', 'config.json'), '{"model_type":"gimbal-vec2text"}');
  await expect(refuseOwnKind(join(folder, 'ours'), 'evaluate --lm')).rejects.toThrow(
    /a vec2text model, not a language model/,
  );
  await refuseOwnKind(folder, 'evaluate --lm');
  await expect(checkVectorsOut(join(folder, 'codes.csv'))).rejects.toThrow(/\.jsonl, a row with text and code/);
  await expect(checkVectorsOut(own)).rejects.toThrow(/exists already/);
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
  expect(await withoutHeld(pairs, [{ text: 'a  b ' }], path)).toEqual(pairs.slice(1));
  await expect(withoutHeld(pairs, [{ text: 'a b' }, { text: 'c d' }], path)).rejects.toThrow('held-out');
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
  expect(trained.stderr).toMatch(/round trips share \d\.\d\d of their words/);
  expect([trained.code, (JSON.parse(trained.stdout) as { steps: number }).steps]).toEqual([0, 2]);
  expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('10 sentences'); // two are held out
  expect((await run('train', '--pairs', pairs, ...sizes, '--out', join(folder, 'x'))).stderr).toMatch(
    /--pairs: it is for sentences of yours/,
  );
  const far = await file('far.jsonl', texts.map((source) => JSON.stringify({ source, rtt: 'it rained' })).join('\n'));
  expect((await run('train', '--data', data, '--pairs', far, ...sizes, '--out', join(folder, 'far'))).stderr).toMatch(
    /that is little.*Look at the rows of --pairs/,
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

test('what another action reads is refused, and what a choice leaves without a meaning, before anything is opened', async () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr, stdout } = await run(...argv);
    expect([code, stdout]).toEqual([2, '']);
    return stderr;
  };
  const text = ['--text', 'the boy'];
  expect(await refused('encode', 'none', ...text, '--space', 'sphere')).toMatch(
    /encode --space: it is an option of train: a model has what it was trained with.*Leave it out/s,
  );
  expect(await refused('decode', 'none', '--sample', '2', '--control-dim', '8')).toContain('decode --control-dim');
  expect(await refused('encode', 'none', ...text, '--temperature', '3')).toContain('it is an option of decode');
  expect(await refused('train', '--embedder', 'x')).toContain('it is an option of invert');
  expect(await refused('train', '--corrections', '3')).toContain('it is an option of invert');
  expect(await refused('invert', 'none', ...text, '--guesses', '2')).toContain('it is for training one');
  expect(await refused('invert', '--embedder', 'x', ...text)).toMatch(/invert --text: it is an option of encode/);
  const config = await file('own.yaml', 'space: ball\n');
  expect(await refused('encode', 'none', ...text, '--config', config)).toMatch(/own\.yaml:1 \(space\)/);
  expect(await refused('decode', 'none', '--sample', '2', '--top-k', '3')).toContain('--temperature above 0');
  expect(await refused('decode', 'none', '--data', 'x.jsonl', '--prior', 'uniform')).toContain('--sample only');
  expect(await refused('decode', 'none', '--sample', '2', '--prior', 'empirical')).toContain('there are none');
  // of training
  const data = await file('few.txt', 'the boy\nthe girl\nthe king\nthe thief\n');
  expect(await refused('train', '--drop', '.1')).toContain('--objective dae');
  expect(await refused('train', '--mix', 'ae=1')).toContain('--objective mix');
  expect(await refused('train', '--objective', 'mix', '--mix', 'ae=1,vae=2')).toContain('no weights of a mixture');
  expect(await refused('train', '--objective', 'ae', '--data', data, '--trips-per-pivot', '3')).toContain(
    'round trips',
  );
  expect(await refused('train', '--held-out', '.5')).toContain('--rows');
  expect(await refused('train', '--data', data, '--world', 'typed')).toContain('generated language');
  expect(await refused('train', '--data', data, '--held-out', '2.5')).toContain('nor a whole number');
  const out = ['--out', join(folder, 'refused')];
  expect(await refused('train', '--data', data, '--held-out', '1', ...out)).toMatch(
    /too few to measure on.*2 sentences/s,
  );
  // too few sentences, before a model or a round trip is made
  for (const [n, rows, held, said] of [
    [1, 1, [], 'got 1, wanted 4 or more: 2 are held out to measure on, and 2 or more are learnt from. Give more'],
    [2, 2, [], 'got 2, wanted 4 or more'],
    [3, 6, [], 'got "3 in 6 rows", wanted 4 or more'],
    [4, 4, ['--held-out', '3'], 'wanted 5 or more: 3 are held out to measure on, and 2 or more are learnt from'],
    [4, 4, ['--held-out', '4'], '--held-out: nothing is left to train on; got "4 of 4 rows"'],
    [4, 4, ['--held-out', '.9'], '--held-out: nothing is left to train on'],
    [4, 4, ['--held-out', '.7'], 'Give more sentences, or a smaller --held-out'],
    [1, 1, ['--held-out', '.5'], 'got 1, wanted 4 or more'],
  ] as const) {
    const lines = Array.from({ length: rows }, (_, i) => `the boy saw ${i % n} boxes`);
    const few = ['--data', await file('too-few.txt', lines.join('\n')), ...held];
    const stderr = await refused('train', ...few, '--out', join(folder, `few-${n}-${held[1]}`));
    expect(stderr).toContain(said);
    expect(stderr).not.toMatch(/round trips|held out\n/);
  }
  for (const folders of ['a', 'a,b,c'])
    expect(await refused('train', '--translators', folders, '--data', data)).toContain(
      '--translators: two folders for each pivot, separated by a comma',
    );
  const two = ['--translators', 'a,b', '--translator-prefixes', 'to German: ,back: ,again: '];
  expect(await refused('train', ...two, '--data', data)).toMatch(/not one for each translator; got 3, wanted 2/);
});

test('a sentence with a comma is one; --trace tells of kernels wherever something is computed', async () => {
  const tokenizer = textTokenizer(['the boy, red'], { vocabularySize: 260 });
  const sizes = { width: 16, heads: 2, controlDim: 4, maxLength: 20 };
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), ...sizes });
  const stats = spaceStats(module.space, Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1));
  using model = trainedModel({ module, params: module.init(rng(0)), tokenizer, stats });
  const path = join(folder, 'commas');
  await saveVec2Text(path, model);
  const one = await run('encode', path, '--text', 'a boy, red', '--text', 'a girl', '--json', '--trace');
  const { rows } = JSON.parse(one.stdout) as { rows: { text: string }[] };
  expect(rows.map(({ text }) => text)).toEqual(['a boy, red', 'a girl']);
  expect(one.stderr).toMatch(/kernel/);
  const drawn = await run(
    'decode',
    path,
    '--sample',
    '2',
    '--prior',
    'empirical',
    '--data',
    await file('e.txt', 'a\nb'),
    '--trace',
  );
  expect([drawn.code, drawn.stderr]).toEqual([0, expect.stringMatching(/kernel/)]);
});

test('--help with an action shows its options and examples alone, each as it is for that action', async () => {
  const { stdout } = await run('encode', '--help');
  const flags = Array.from(stdout.matchAll(/^ {2}--([\w-]+)/gm), ([, flag]) => flag);
  expect(flags.slice(0, 4)).toEqual(['data', 'columns', 'model', 'text']);
  expect(flags).not.toContain('steps');
  expect(stdout).toContain('sentences, a line of a .txt each');
  expect((await run('--help')).stdout).toContain('--steps');
  const examples = (help: string): string[] =>
    Array.from(help.matchAll(/^ {2}gimbal vec2text (\w+)/gm), ([, a]) => a ?? '');
  expect(examples(stdout)).toEqual(['encode']);
  expect(stdout).not.toContain('vectors: a .npy');
  const flat = async (action: string): Promise<string> => (await run(action, '--help')).stdout.replaceAll(/\s+/g, ' ');
  const evaluate = await flat('evaluate');
  expect(evaluate).toContain('without --data (default: the model’s own) --lm');
  expect(await flat('train')).toContain('which generated language, without --data (default typed) --');
  const decode = await flat('decode');
  expect(decode).toContain('so many vectors by chance, in place of --data --prior');
  expect(decode).toContain('--data <text> vectors: a .npy');
  expect(await flat('invert')).toContain('to be inverted, or vectors: a .npy');
  expect(examples((await run('invert', '--help')).stdout)).toEqual(['invert', 'invert']);
  expect(examples((await run('--help')).stdout).length).toBeGreaterThan(10);
});

test('the telegraph style of another language leaves out its frequent words; what comes back is told', async () => {
  const names = 'hund katze vogel fisch'.split(' ');
  const texts = names.flatMap((a) => names.map((b) => `der ${a} sieht den ${b}`));
  const data = await file('german.txt', texts.join('\n'));
  const sizes = ['--width', '16', '--vocabulary', '280', '--steps', '1', '--samples', '10', '--stats-samples', '4'];
  const trips = ['--max-length', '64', '--min-similarity', '0'];
  const trained = await run(
    'train',
    '--data',
    data,
    ...sizes,
    ...trips,
    '--held-out',
    '2',
    '--out',
    join(folder, 'german'),
  );
  expect(trained.stderr).toMatch(/without the most frequent words \((den|der|sieht)/);
  expect(trained.stderr).toMatch(/round trips share [01]\.\d\d of their words/);
  expect(trained.code).toBe(0);
  const english = ['--telegraph', 'english', '--out', join(folder, 'german-2')];
  expect((await run('train', '--data', data, ...sizes, ...trips, ...english)).stderr).toContain('no text has a word');
}, 120_000);

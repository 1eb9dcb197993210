import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPairRows } from './read-rows.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-rows-'));
});
afterAll(() => rm(dir, { recursive: true }));

const file = async (name: string, lines: readonly string[]): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, lines.join('\n'));
  return path;
};

test('label, margin and weight of a .csv are numbers, empty ones are absent', async () => {
  const lines = [
    'prompt,chosen,rejected,label,margin,weight,id',
    'p,a,b,0,.5,2e0,7',
    'q,a,b,,,,8',
    'r,a,b,False,0,1,9',
  ];
  const { rows } = await readPairRows(await file('numbers.csv', lines), { kind: 'bradley-terry' });
  expect(rows).toEqual([
    { prompt: 'p', chosen: 'a', rejected: 'b', label: 0, margin: 0.5, weight: 2, id: '7' },
    { prompt: 'q', chosen: 'a', rejected: 'b', id: '8' },
    { prompt: 'r', chosen: 'a', rejected: 'b', label: false, margin: 0, weight: 1, id: '9' },
  ]);
  // under the names of the user
  const own = await file('own.csv', ['prompt,chosen,rejected,sure', 'p,a,b,0.25']);
  const named = await readPairRows(own, { kind: 'pairwise', columns: { label: 'sure' } });
  expect(named.rows).toEqual([{ prompt: 'p', chosen: 'a', rejected: 'b', label: 0.25 }]);
});

test('what is out of range is refused with its line, before any model is there', async () => {
  for (const [name, label] of [
    ['high.csv', '7'],
    ['hex.csv', '0x1'],
    ['word.csv', 'yes'],
  ] as const) {
    const path = await file(name, ['prompt,chosen,rejected,label', 'p,a,b,1', `q,a,b,${label}`]);
    await expect(readPairRows(path, { kind: 'bradley-terry' })).rejects.toThrow(
      new RegExp(`${name}:3: column label is out of range`),
    );
  }
  // in .jsonl a text stays one
  const json = await file('text.jsonl', ['{"prompt":"p","chosen":"a","rejected":"b","label":"0"}']);
  await expect(readPairRows(json, { kind: 'pairwise' })).rejects.toThrow(/text\.jsonl:1: column label is out of range/);
});

test('rows for another kind of model name it', async () => {
  const nli = await file('nli.jsonl', ['{"premise":"p","hypothesis":"h","label":"entailment"}']);
  const pairs = await file('pairs.jsonl', ['{"prompt":"p","chosen":"a","rejected":"b"}']);
  const texts = await file('texts.jsonl', ['{"text":"p"}']);
  await expect(readPairRows(nli, { kind: 'pairwise' })).rejects.toThrow(
    /nli\.jsonl:1: rows of this kind hold no pair of answers.*Did you mean --kind entailment\?/,
  );
  await expect(readPairRows(pairs, { kind: 'entailment' })).rejects.toThrow(
    /pairs\.jsonl:1: .*these rows hold two answers.*--kind bradley-terry, or pairwise/,
  );
  await expect(readPairRows(texts, { kind: 'entailment' })).rejects.toThrow(/no column premise/);
  await expect(readPairRows(texts, { kind: 'pairwise' })).rejects.toThrow(/hold no pair of answers.*--columns/);
});

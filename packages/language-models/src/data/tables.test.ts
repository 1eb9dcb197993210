import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRows } from '../index.ts';
import { featuresOf, namedClasses } from './class-names.ts';
import { parseCsv } from './parse-csv.ts';

const golden = (name: string): string => fileURLToPath(new URL(`../../test/golden/${name}`, import.meta.url));

it('reads CSV: quotes, commas and line breaks in cells, either end of line, a mark in front', () => {
  const text = '\ufeffprompt,completion,note\r\n"a, ""b""\nc",d,\n\ne,"",x';
  const data = parseCsv(text, 'rows.csv');
  expect(data.kind).toBe('prompt-completion');
  expect(data.rows).toEqual([
    { prompt: 'a, "b"\nc', completion: 'd', note: '' },
    { prompt: 'e', completion: '', note: 'x' },
  ]);
  expect([data.where(0), data.where(1)]).toEqual(['rows.csv:2', 'rows.csv:5']);
});

it('reads what a spreadsheet writes: semicolons or tabs, where the first line has no comma', () => {
  for (const s of [';', '\t']) {
    const data = parseCsv(`"prompt"${s}completion\r\n1,5 + 1${s}"2,5${s} so"\r\n`, 'rows.csv');
    expect(data.rows).toEqual([{ prompt: '1,5 + 1', completion: `2,5${s} so` }]);
    expect(() => parseCsv(`text${s}b\n"x"y${s}\n`, 'r.csv')).toThrow(
      s === ';' ? /wanted a semicolon or/ : /wanted a tab or/,
    );
  }
  expect(parseCsv('text,b\nx;y,z\n', 'rows.csv').rows).toEqual([{ text: 'x;y', b: 'z' }]);
});

it('names the line of what is wrong in a CSV', () => {
  expect(() => parseCsv('text,b\nx\n', 'r.csv')).toThrow(
    /r.csv:2: the line has another number of cells.*got 1, wanted 2/,
  );
  expect(() => parseCsv('text\n"x\n', 'r.csv')).toThrow(/r.csv:2: a quote is not closed/);
  expect(() => parseCsv('text\n"x"y\n', 'r.csv')).toThrow(/r.csv:2: something follows a closed quote/);
  expect(() => parseCsv('text\rx\r', 'r.csv')).toThrow(/r.csv:1: a line ends with a carriage return alone/);
  expect(() => parseCsv('prompt,completion,prompt\na,b,c\n', 'r.csv')).toThrow(
    /r.csv:1: two columns are called prompt; got "prompt, completion, prompt"/,
  );
});

it('keeps a row of one empty cell in quotes, and leaves an empty line out', () => {
  expect(parseCsv('text\n""\n\nx', 'rows.csv').rows).toEqual([{ text: '' }, { text: 'x' }]);
});

it('reads files by their ending, Parquet with nested messages too', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'gimbal-rows-'));
  await writeFile(join(dir, 'rows.csv'), 'question,answer\n1,2\n');
  const rows = await readRows(join(dir, 'rows.csv'), { columns: { prompt: 'question', completion: 'answer' } });
  expect(rows.rows).toEqual([{ prompt: '1', completion: '2' }]);
  const chat = await readRows(golden('chat.parquet'));
  expect(chat.kind).toBe('conversation');
  const messages = [
    { role: 'user', content: 'hé' },
    { role: 'assistant', content: 'ho' },
  ];
  expect(chat.rows[1]).toEqual({ messages, id: 8 });
  await expect(readRows(golden('ids.parquet'))).rejects.toThrow(
    /ids.parquet, row 0: column id holds a number .* exactly; got "?9007199254740993/,
  );
  await writeFile(join(dir, 'bad.parquet'), 'PAR1 no');
  await expect(readRows(join(dir, 'bad.parquet'))).rejects.toThrow(
    /bad.parquet: the file cannot be read.*copy the file again/,
  );
  await rm(dir, { recursive: true });
});

it("reads classes of Python's datasets by their names, in lists and structs too", async () => {
  const { kind, rows } = await readRows(golden('unlabelled.parquet'));
  expect(kind).toBe('labelled-pair');
  expect(rows).toEqual([
    {
      premise: 'a',
      hypothesis: 'd',
      label: 'contradiction',
      votes: ['contradiction', 'neutral'],
      by: { judge: 'neutral' },
    },
    // nobody said which
    { premise: 'b', hypothesis: 'e', label: -1, votes: [], by: { judge: 'entailment' } },
    { premise: 'c', hypothesis: 'f', label: 'entailment', votes: ['entailment'], by: { judge: 'contradiction' } },
  ]);
  // a label that is not there is refused as anywhere else
  await expect(readRows(golden('labels.parquet'))).rejects.toThrow(/labels.parquet, row 2: .*label/);
});

it('names no classes where the metadata is of another program, and refuses a number that is no class', () => {
  for (const value of ['{', '[]', '{"info": 1}']) expect(featuresOf([{ key: 'huggingface', value }])).toEqual({});
  expect(featuresOf(undefined)).toEqual({});
  const sort = { _type: 'ClassLabel', names: ['no', 'yes'] };
  // lists as older versions wrote them
  expect(namedClasses([1, 0], [sort], 'c', 'row 0')).toEqual(['yes', 'no']);
  expect(namedClasses(1, { _type: 'Value', dtype: 'int64' }, 'c', 'row 0')).toBe(1);
  expect(() => namedClasses(2, sort, 'c', 'f.parquet, row 7')).toThrow(
    /f.parquet, row 7: column c holds a class that has no name; got 2, wanted "?0 to 1/,
  );
});

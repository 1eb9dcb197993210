import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BatchSource, rng } from '@gimbal/tensor-core';
import fc from 'fast-check';
import {
  batchRows,
  dataset,
  fitRows,
  joinedBatch,
  type LmBatch,
  packRows,
  parseJsonl,
  parseText,
  readRows,
  rowBatches,
  type TokenRow,
  tokenRows,
  trainTokenizer,
} from '../index.ts';

const jsonl = (...rows: unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n');
const row = (n: number, from = 0, first = 100): TokenRow => ({
  ids: Int32Array.from({ length: n }, (_, i) => first + i),
  from,
});
const where = (index: number): string => `rows.jsonl:${index + 1}`;

describe('parseJsonl', () => {
  it('keeps raw U+2028, U+2029, U+0085 and escaped line feeds inside strings, and counts lines as an editor does', () => {
    const text = 'a\u2028b\u2029c\u0085d\ne';
    const raw = JSON.stringify({ text }).replaceAll('\\u2028', '\u2028').replaceAll('\\u2029', '\u2029');
    const data = parseJsonl(`${raw}\r\n${JSON.stringify({ text: 'second' })}`, 'rows.jsonl');
    expect(data.rows).toEqual([{ text }, { text: 'second' }]);
    expect([data.where(0), data.where(1)]).toEqual(['rows.jsonl:1', 'rows.jsonl:2']);
    expect(() => parseJsonl(`${raw}\r\n\r\n{"text": 1}`, 'rows.jsonl')).toThrow(
      /rows.jsonl:3: column text must hold text; got 1/,
    );
  });

  it('reads the same rows with and without a byte order mark; absent keys stay absent', () => {
    const text = jsonl({ text: 'a', meta: { x: 1 } }, { text: 'b', meta: { y: null } }, { text: 'c' });
    const data = parseJsonl(text, 'rows.jsonl');
    expect(parseJsonl(`\ufeff${text}`, 'rows.jsonl').rows).toEqual(data.rows);
    expect(data.rows[2]).toEqual({ text: 'c' });
    expect('meta' in (data.rows[2] ?? {})).toBe(false);
    expect(data.rows[1]?.meta).toEqual({ y: null });
  });

  it('carries other columns as they are, and names the row where a column of the kind is wrong', () => {
    const rows: unknown[] = Array.from({ length: 20000 }, () => ({ system: null, prompt: 'p', completion: 'c' }));
    rows.push({ system: 'be brief', prompt: 'p', completion: 'c' });
    const data = parseJsonl(jsonl(...rows), 'rows.jsonl');
    expect(data.rows).toHaveLength(20001);
    expect([data.rows[0]?.system, data.rows[20000]?.system]).toEqual([null, 'be brief']);
    rows.push({ prompt: 7, completion: 'c' });
    expect(() => parseJsonl(jsonl(...rows), 'rows.jsonl')).toThrow(
      /rows.jsonl:20002: column prompt must hold text; got 7/,
    );
  });

  it('refuses a number that would change silently', () => {
    expect(() => parseJsonl('{"text": "1234567890123456789", "id": 9007199254740993}', 'rows.jsonl')).toThrow(
      /rows.jsonl:1: column id holds a number that JavaScript cannot hold exactly; got "9007199254740993"/,
    );
    const data = parseJsonl('{"text": "x", "id": 9007199254740992, "f": 0.12345678901234567}', 'rows.jsonl');
    expect(data.rows[0]?.id).toBe(9007199254740992);
    const read = (cell: string) => () => parseJsonl(`{"text": "x", "n": ${cell}}`, 'rows.jsonl');
    expect(read('9007199254740993.0')).toThrow(/rows.jsonl:1: column n holds a number .* exactly/);
    expect(read('[-1e400]')).toThrow(/rows.jsonl:1: column n holds a number that JavaScript cannot hold; got "-1e400"/);
    expect(read('[9007199254740992.0, 1.5e308, 0.1]')).not.toThrow();
  });

  it('refuses a key that an object has twice, and not one of two objects or in a string', () => {
    const read = (text: string) => () => parseJsonl(`{"text": "a"}\n${text}`, 'rows.jsonl');
    expect(read('{"text": "a", "m": 1, "te\\u0078t" : "b"}')).toThrow(/rows.jsonl:2: an object has the key text twice/);
    expect(read('{"text": "x", "m": [{"a": 1}, {"b": {}, "a": 2, "b": 3}]}')).toThrow(/has the key b twice/);
    expect(read('{"text": "\\"m\\": {", "m": [{"a": "text"}, {"a": {"a": 1}}], "a": "m"}')).not.toThrow();
  });

  it('refuses a named column that no row has, also where the rows have ours', () => {
    const text = '{"prompt": "a", "completion": "b"}';
    expect(() => parseJsonl(text, 'rows.jsonl', { columns: { prompt: 'nope' } })).toThrow(
      'rows.jsonl: no row has the column nope, which columns names for prompt',
    );
  });

  it('renames columns, tells the kind by them, and suggests the nearest one', () => {
    const text = jsonl({ question: 'q', answer: 'a' });
    const data = parseJsonl(text, 'rows.jsonl', { columns: { prompt: 'question', completion: 'answer' } });
    expect(data).toMatchObject({ kind: 'prompt-completion', rows: [{ prompt: 'q', completion: 'a' }] });
    expect(() => parseJsonl(text, 'rows.jsonl')).toThrow(
      /rows.jsonl:1: the columns are those of no kind of row; got "question, answer", wanted text, or prompt and completion, or/,
    );
    const columns = { prompt: 'qestion', completion: 'answer' };
    expect(() => parseJsonl(text, 'rows.jsonl', { kind: 'prompt-completion', columns })).toThrow(
      /no row has the column qestion, which columns names for prompt; .* Did you mean prompt=question\?/,
    );
  });

  it('takes the column that was named, also beside one that has our name by itself', () => {
    const text = jsonl({ prompt: 'wrong', completion: 'no', question: 'q', answer: 'a', text: 't', id: 3 });
    const columns = { prompt: 'question', completion: 'answer' };
    for (const kind of [undefined, 'prompt-completion'] as const) {
      const data = parseJsonl(text, 'rows.jsonl', { columns, ...(kind && { kind }) });
      expect(data).toMatchObject({ kind: 'prompt-completion' });
      expect(data.rows).toEqual([{ prompt: 'q', completion: 'a', text: 't', id: 3 }]);
    }
    expect(parseJsonl(text, 'rows.jsonl', { columns: { prompt: 'completion', completion: 'prompt' } }).rows).toEqual([
      { prompt: 'no', completion: 'wrong', question: 'q', answer: 'a', text: 't', id: 3 },
    ]);
    // naming a text says that it is text, though prompt and completion stand beside it
    expect(parseJsonl(text, 'rows.jsonl', { columns: { text: 'answer' } })).toMatchObject({
      kind: 'text',
      rows: [{ text: 'a', prompt: 'wrong' }],
    });
    // a row without the named column is not read from the shadowed one
    const lacking = jsonl({ prompt: 'x', completion: 'c', question: 'q' }, { prompt: 'x', completion: 'c' });
    expect(() => parseJsonl(lacking, 'rows.jsonl', { columns: { prompt: 'question' } })).toThrow(
      /rows.jsonl:2: the row has no column question/,
    );
  });

  it('names only the kinds that the caller has a use for', () => {
    const read = () => parseJsonl(jsonl({ q: 'a' }), 'rows.jsonl', { usable: ['text', 'prompt-completion'] });
    expect(read).toThrow(/got "q", wanted text, or prompt and completion\./);
  });

  it('names the line that is no JSON or no object, and refuses an empty file', () => {
    expect(() => parseJsonl('{"text": "a"}\n{"text": ', 'rows.jsonl')).toThrow(/rows.jsonl:2: not JSON/);
    expect(() => parseJsonl('[1]', 'rows.jsonl')).toThrow(/rows.jsonl:1: a row must be an object; got "an array"/);
    expect(() => parseJsonl('\n\n', 'rows.jsonl')).toThrow(/rows.jsonl: there are no rows/);
  });

  it('tells a JSON array from rows, on one line or many, with the command that converts it', () => {
    const message =
      /rows.jsonl:1: this is a JSON array; .* Convert it: node -e ".*" -- rows.jsonl > rows.lines.jsonl # and read/;
    expect(() => parseJsonl('[{"text": "a"}]', 'rows.jsonl')).toThrow(message);
    expect(() => parseJsonl('[\n  {"text": "a"}\n]', 'rows.jsonl')).toThrow(message);
  });

  it('reads what JSON.stringify writes, whatever the strings hold', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
        const rows = texts.map((text) => ({ text }));
        expect(parseJsonl(jsonl(...rows), 'x').rows).toEqual(rows);
      }),
    );
  });
});

describe('parseText', () => {
  it('takes paragraphs, lines or the whole, and says where each began', () => {
    const text = '\ufeffone\r\ntwo\r\n\r\n\r\nthree\n \nfour';
    const paragraphs = parseText(text, 'a.txt');
    expect(paragraphs.rows).toEqual([{ text: 'one\ntwo' }, { text: 'three' }, { text: 'four' }]);
    expect([0, 1, 2].map((i) => paragraphs.where(i))).toEqual(['a.txt:1', 'a.txt:5', 'a.txt:7']);
    expect(parseText(text, 'a.txt', 'line').rows).toHaveLength(4);
    expect(parseText(text, 'a.txt', 'document').rows).toEqual([{ text: 'one\ntwo\n\n\nthree\n \nfour' }]);
    expect(() => parseText(' \n\n', 'a.txt')).toThrow(/a.txt: there are no rows/);
  });
});

describe('readRows', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gimbal-rows-'));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it('reads files by their ending, and says what is wrong with one', async () => {
    const write = async (name: string, content: string | Uint8Array): Promise<string> => {
      await writeFile(join(dir, name), content);
      return join(dir, name);
    };
    expect((await readRows(await write('a.jsonl', '{"text": "x"}'))).rows).toEqual([{ text: 'x' }]);
    expect((await readRows(await write('a.txt', 'x\n\ny'))).rows).toHaveLength(2);
    // EF BB BF, which editors on Windows write in front, is no part of the first row
    const mark = Uint8Array.of(0xef, 0xbb, 0xbf);
    const marked = async (name: string, content: string): Promise<unknown> =>
      (await readRows(await write(name, Buffer.concat([mark, Buffer.from(content)])))).rows;
    const three = jsonl({ text: 'a', meta: { x: 1 } }, { text: 'b', meta: { y: null } }, { text: 'c' });
    expect(await marked('mark.jsonl', three)).toEqual((await readRows(await write('three.jsonl', three))).rows);
    expect(await marked('mark.csv', 'text\nx')).toEqual([{ text: 'x' }]);
    expect(await marked('mark.txt', 'x')).toEqual([{ text: 'x' }]);
    await expect(readRows(join(dir, 'none.jsonl'))).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(/none.jsonl: no such file/),
    });
    for (const folder of ['f', 'f.jsonl']) {
      await mkdir(join(dir, folder));
      await expect(readRows(join(dir, folder))).rejects.toMatchObject({
        code: 'ERR_CONFIG',
        message: expect.stringMatching(/this is a folder; a file of rows is wanted/),
      });
    }
    // places are paths as they were given; the command that converts an array takes any of them
    const bad = await write("it's a $HOME.jsonl", '{"text": "a"}\n{"text": 1}');
    await expect(readRows(bad)).rejects.toThrow(`${bad}:2: column text must hold text`);
    const array = await write("it's an $HOME.json", '[{"text": "a"}, {"text": "b"}]');
    const { fix } = (await readRows(array).catch((error: unknown) => error)) as { fix: string };
    execFileSync('sh', ['-c', fix.replace(/^.*convert it: /, '')]);
    expect((await readRows(array.replace('.json', '.lines.jsonl'))).rows).toEqual([{ text: 'a' }, { text: 'b' }]);
    // nested beyond any call stack
    const deep = await write('deep.jsonl', `{"text": ${'['.repeat(1e5)}${']'.repeat(1e5)}}`);
    await expect(readRows(deep, { kind: 'text' })).rejects.toThrow(
      'deep.jsonl:1: column text must hold text; got [[[["…"]]]], wanted',
    );
    await expect(readRows(await write('a.xlsx', 'x'))).rejects.toMatchObject({ code: 'ERR_CONFIG' });
    await expect(readRows(await write('bad.txt', Uint8Array.of(0xff, 0xfe)))).rejects.toThrow(/is not UTF-8/);
    // longer than any string: sparse, so it costs no disk
    const large = await write('large.jsonl', '');
    await truncate(large, 540e6);
    await expect(readRows(large)).rejects.toThrow(/large.jsonl: the file is too large to be read at once/);
    await expect(readRows(await write('b.txt', 'x'), { kind: 'prompt-completion' })).rejects.toThrow(
      /rows of kind text/,
    );
  });
});

describe('fitRows', () => {
  it('leaves long rows out by default, counted with their places', () => {
    // limit 8: A is a prompt of 8 and an answer of 3, B a prompt of 2 and an answer of 3
    const [a, b] = [row(11, 8), row(5, 2)];
    expect(fitRows([a, b], where, { limit: 8 })).toEqual({
      rows: [b],
      overflow: { rows: 1, tokens: 11, where: ['rows.jsonl:1'] },
    });
    expect(() => fitRows([a, a], where, { limit: 8 })).toThrow(
      /all 2 rows are longer than the limit; got "11 tokens in the shortest"/,
    );
    expect(() => fitRows([a], where, { limit: 8 })).toThrow(
      /rows.jsonl:1: the only row is longer than the limit; got "11 tokens", wanted "?at most 8 tokens"?. Raise maxLength/,
    );
    expect(() => fitRows([b, a], where, { limit: 8, overflow: 'error' })).toThrow(/rows.jsonl:2: the row is longer/);
  });

  it('cuts rows of 13, 10 and 3 tokens at 10: 23 trained and 3 lost; splits them: 26 trained, each once, in order', () => {
    const rows = [row(13), row(10, 0, 200), row(3, 0, 300)];
    const trained = (overflow: 'cut' | 'split'): { ids: number[]; lost: number } => {
      const fitted = fitRows(rows, where, { limit: 10, overflow });
      const blocks = packRows(fitted.rows, 10, 1);
      return { ids: blocks.flatMap(({ ids }) => [...ids.subarray(1)]), lost: fitted.overflow.tokens };
    };
    expect(trained('cut')).toMatchObject({ lost: 3, ids: { length: 23 } });
    const all = rows.flatMap(({ ids }) => [...ids]);
    expect(trained('split')).toEqual({ lost: 0, ids: all });
  });

  it('keeps the end of a row where asked: 2 tokens stay 2, of 10 the last 4', () => {
    const fitted = fitRows([row(2), row(10)], where, { limit: 4, overflow: 'cut', keep: 'end' });
    expect(fitted.rows.map(({ ids }) => [...ids])).toEqual([
      [100, 101],
      [106, 107, 108, 109],
    ]);
    // a cut that leaves only prompt teaches nothing
    expect(() => fitRows([row(10, 6)], where, { limit: 4, overflow: 'cut' })).toThrow(/the only row/);
    expect(fitRows([row(10, 6)], where, { limit: 6, overflow: 'cut', keep: 'end' }).rows[0]?.from).toBe(2);
  });
});

describe('tokenRows', () => {
  it('takes a document of more tokens than a call stack holds, as text and on either side of a completion', () => {
    const tokenizer = trainTokenizer(['ab'], { vocabularySize: 259 });
    const long = 'a'.repeat(300_000);
    for (const row of [{ text: long }, { prompt: long, completion: 'b' }, { prompt: 'b', completion: long }]) {
      const data = dataset([{ ...row }, { ...row }]);
      expect(tokenRows(data, tokenizer, { limit: 2 ** 20 }).rows[1]?.ids.length).toBeGreaterThan(300_000);
      expect(() => tokenRows(data, tokenizer, { limit: 8 })).toThrow(/longer than the limit; got "30000\d tokens/);
    }
  });

  const tokenizer = trainTokenizer(['ab ab'], { vocabularySize: 259, minFrequency: 2 });
  const id = (token: string): number => tokenizer.id(token) as number;

  it('ends texts, and puts the suffix between prompt and completion', () => {
    const data = dataset([{ prompt: 'ab', completion: 'a' }]);
    const { rows } = tokenRows(data, tokenizer, { limit: 8 });
    expect(rows).toEqual([{ ids: Int32Array.of(id('ab'), id('Ċ'), id('a'), 1), from: 2 }]);
    expect(tokenRows(dataset([{ text: 'ab' }]), tokenizer, { limit: 8 }).rows).toEqual([
      { ids: Int32Array.of(id('ab'), 1), from: 0 },
    ]);
  });

  it('names the file and line of a row that is too long', () => {
    const data = parseJsonl(jsonl({ text: 'a' }, { text: 'a'.repeat(20) }), 'rows.jsonl');
    expect(tokenRows(data, tokenizer, { limit: 8 }).overflow).toEqual({ rows: 1, tokens: 21, where: ['rows.jsonl:2'] });
  });
});

describe('packRows', () => {
  it('makes every token a target once, the last short block included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 12 }),
        (sizes, width) => {
          const rows = sizes.map((n, i) => row(n, 0, 1000 * (i + 1)));
          const blocks = packRows(rows, width, 7);
          const all = rows.flatMap(({ ids }) => [...ids]);
          expect(blocks.flatMap(({ ids }) => [...ids.subarray(1)])).toEqual(all);
          expect(blocks.flatMap(({ ids }) => [...ids.subarray(0, -1)])).toEqual([7, ...all.slice(0, -1)]);
          expect(Math.max(...blocks.map(({ ids }) => ids.length - 1))).toBe(Math.min(width, all.length));
        },
      ),
    );
  });

  it('trains on 12 tokens though the block is 2048 and the batch 8', () => {
    const blocks = packRows([row(4), row(4), row(4)], 2048, 1);
    const batches = rowBatches(blocks, { batchSize: 8, pad: 0, limit: 2048, rng: rng(1) });
    expect(batches.next()).toMatchObject({ rows: 1, tokens: 12, width: 16 });
  });
});

describe('batchRows', () => {
  it('by hand: targets are the next tokens, only those of the completion count', () => {
    // prompt 5 6, completion 7 8 with end 1; and a row of three tokens that all count but the first
    const batch = batchRows(
      [
        { ids: Int32Array.of(5, 6, 7, 8, 1), from: 2 },
        { ids: Int32Array.of(9, 9, 1), from: 0 },
      ],
      0,
      4,
    );
    expect(batch).toEqual({
      inputs: Int32Array.of(5, 6, 7, 8, 9, 9, 0, 0),
      targets: Int32Array.of(6, 7, 8, 1, 9, 1, 0, 0),
      weights: Float32Array.of(0, 1, 1, 1, 1, 1, 0, 0),
      rows: 2,
      width: 4,
      tokens: 5,
    });
  });

  it('by hand: of a conversation the tokens that count, each where it is the target, in rows and in one line', () => {
    // 7 and 1 are the assistant's, and 5 of the other row
    const chats = [
      { ids: Int32Array.of(6, 7, 1, 8, 9), from: 0, counts: Uint8Array.of(0, 1, 1, 0, 0) },
      { ids: Int32Array.of(4, 5), from: 0, counts: Uint8Array.of(0, 1) },
    ];
    const batch = batchRows(chats, 0, 4);
    expect(batch).toMatchObject({
      inputs: Int32Array.of(6, 7, 1, 8, 4, 0, 0, 0),
      targets: Int32Array.of(7, 1, 8, 9, 5, 0, 0, 0),
      weights: Float32Array.of(1, 1, 0, 0, 1, 0, 0, 0),
      tokens: 3,
    });
    const line = joinedBatch(chats, 0); // the shorter row first
    expect([...line.targets.subarray(0, 5)]).toEqual([5, 7, 1, 8, 9]);
    expect([...(line.weights ?? [])].slice(0, 6)).toEqual([1, 1, 1, 0, 0, 0]);
    expect(line.tokens).toBe(3);
  });

  it('counts an end token that is also the padding exactly once a row', () => {
    const batch = batchRows(
      [row(3), row(5)].map(({ ids }) => ({ ids: Int32Array.of(...ids.slice(1), 0), from: 0 })),
      0,
      8,
    );
    const ends = (b: number): number =>
      Array.from({ length: batch.width }, (_, t) => b * batch.width + t).filter(
        (i) => batch.targets[i] === 0 && batch.weights?.[i] === 1,
      ).length;
    expect([ends(0), ends(1), batch.tokens]).toEqual([1, 1, 2 + 4]);
  });
});

describe('rowBatches', () => {
  const rows = Array.from({ length: 100 }, (_, i) => row(2, 0, i * 10));
  const source = (seed: number): BatchSource<LmBatch> =>
    rowBatches(rows, { batchSize: 8, pad: 0, limit: 8, rng: rng(seed) });
  const firsts = (s: BatchSource<LmBatch>, batches: number): number[] =>
    Array.from({ length: batches }, () => s.next()).flatMap((b) =>
      Array.from({ length: b.rows }, (_, r) => b.inputs[r * b.width] as number),
    );

  it('gives each row once an epoch, in orders that differ by epoch and by seed', () => {
    const seen = firsts(source(1), 25);
    const [first, second] = [seen.slice(0, 100), seen.slice(100)];
    expect(new Set(first).size).toBe(100);
    expect(new Set(second).size).toBe(100);
    expect(first).not.toEqual(second);
    expect(firsts(source(1), 25)).toEqual(seen);
    expect(firsts(source(2), 25)).not.toEqual(seen);
  });

  it('goes on where its state was taken', () => {
    const whole = firsts(source(1), 20);
    const a = source(1);
    firsts(a, 13);
    const b = source(1);
    b.restore(JSON.parse(JSON.stringify(a.state())));
    expect(firsts(b, 7)).toEqual(whole.slice(13 * 8));
    expect(() => b.restore({})).toThrow(/belongs to other data/);
  });
});

import { parseJsonl } from './parse-rows.ts';

const jsonl = (...rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

it('says of a row that differs from the others what the file calls its columns, and how many there are', () => {
  const rows = [...Array(3)].map(() => ({ id: 1, q: 'q', a: 'a' }));
  const columns = { prompt: 'q', completion: 'a' };
  const read = (...others: object[]) => parseJsonl(jsonl(...rows, ...others), 'r.jsonl', { columns });
  // not "did you mean id?": the other rows have the column
  expect(() => read({ id: 1, q: 'q' })).toThrow(
    /^r.jsonl:4: the row has no column a; got "id, q", wanted a\. Mend this row, or remove it\.$/,
  );
  expect(() => read({ id: 1, q: 'q', a: null }, rows[0] as object, { id: 1, q: 'q' })).toThrow(
    /r.jsonl:4: column a must hold text; got null, wanted a string\. Mend or remove the 2 rows of that kind/,
  );
  expect(() => parseJsonl(jsonl({ promt: 'a' }), 'r.jsonl', { kind: 'prompt' })).toThrow(/Did you mean promt\?/);
});

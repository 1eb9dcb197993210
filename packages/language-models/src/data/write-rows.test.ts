import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataset, readRows, writeRows } from '../index.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-rows-'));
});
afterAll(() => rm(dir, { recursive: true }));

const said = (role: string, content: string): object => ({ role, content });
const rowsOf: { [kind: string]: object[] } = {
  text: [{ text: 'a\nb "c", é 🎈' }, { text: ' x ' }],
  'prompt-completion': [
    { prompt: '1 + 1 =', completion: '2', id: 9007199254740991, score: 0.1, split: true },
    { prompt: '2 + 2 =', completion: '4', id: -3, score: 4, split: false },
  ],
  prompt: [{ prompt: 'Why?' }],
  preference: [{ prompt: 'p', chosen: 'good', rejected: 'bad', tags: ['a', 'b'], none: null }],
  'implicit-preference': [{ chosen: 'p good', rejected: 'p bad', weights: [1, 2], shares: [0.5, -0] }],
  'unpaired-preference': [
    { prompt: 'p', completion: 'good', label: true },
    { prompt: 'p', completion: 'bad', label: false },
  ],
  stepwise: [{ prompt: 'p', completions: ['one', 'two'], labels: [true, false] }],
  'labelled-text': [{ text: 'fine', label: 'good' }],
  'labelled-pair': [{ premise: 'a', hypothesis: 'b', label: 2 }],
  conversation: [{ messages: [said('user', 'hi'), said('assistant', 'yo')] }],
  'conversation-prompt': [{ prompt: [said('user', 'hi')] }],
  'conversation-completion': [{ prompt: [said('user', 'hi')], completion: [said('assistant', 'yo')] }],
  'conversation-preference': [
    { prompt: [said('user', 'hi')], chosen: [said('assistant', 'yo')], rejected: [said('assistant', 'no')] },
  ],
  'conversation-unpaired-preference': [
    { prompt: [said('user', 'hi')], completion: [said('assistant', 'yo')], label: false },
  ],
  'conversation-implicit-preference': [
    { chosen: [said('user', 'a'), said('assistant', 'b')], rejected: [said('user', 'a'), said('assistant', 'c')] },
  ],
};

describe.each(['jsonl', 'parquet'])('.%s', (ending) => {
  it.each(Object.keys(rowsOf))('gives rows of %s back', async (kind) => {
    const data = dataset(rowsOf[kind] as object[], { kind } as never);
    const path = join(dir, `${kind}.${ending}`);
    await writeRows(path, data);
    const back = await readRows(path, { kind } as never);
    expect(back.kind).toBe(kind);
    // JSON has no −0
    expect(back.rows).toEqual(ending === 'jsonl' ? JSON.parse(JSON.stringify(data.rows)) : data.rows);
  });
});

it('keeps messages whose keys differ, and values of no type of its own, as JSON', async () => {
  const call = { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: { x: 1 } } }] };
  const rows = [{ messages: [said('user', 'hi'), call], meta: { a: [1, 'b'] } }];
  const path = join(dir, 'calls.parquet');
  await writeRows(path, dataset(rows as never));
  expect((await readRows(path)).rows).toEqual(rows);
});

it('refuses other endings by name', async () => {
  await expect(writeRows(join(dir, 'x.csv'), dataset([{ text: 'a' }]))).rejects.toThrow(
    'files of this ending are not written; got ".csv", wanted .jsonl or .parquet',
  );
});

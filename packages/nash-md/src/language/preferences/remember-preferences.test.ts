// A dear judge is asked once about each pair.
import { type PreferenceFn, type Prompt, useBackend } from '@gimbal/tensor-core';
import { askPreferences, rememberPreferences } from '../../index.ts';

beforeAll(() => useBackend('auto'));

function counted(answer: (a: string, b: string) => number): { fn: PreferenceFn; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    fn: async (prompts, a, b, rows) => {
      asked.push(...prompts.map((p, i) => `${p}|${a[i]}|${b[i]}|${JSON.stringify(rows?.[i])}`));
      return a.map((x, i) => answer(x, b[i] as string));
    },
  };
}

const share = (a: string, b: string): number => a.length / (a.length + b.length);

test('only new pairs are asked about, each once, with the rows that are theirs', async () => {
  const { fn, asked } = counted(share);
  const judge = rememberPreferences(fn);
  const rows = [
    { prompt: 'p', id: 1 },
    { prompt: 'q', id: 2 },
    { prompt: 'p', id: 1 },
  ];
  expect(await judge(['p', 'q', 'p'], ['aa', 'b', 'aa'], ['b', 'bbb', 'b'], rows)).toEqual([2 / 3, 1 / 4, 2 / 3]);
  expect(asked).toEqual(['p|aa|b|{"prompt":"p","id":1}', 'q|b|bbb|{"prompt":"q","id":2}']);
  const again = [rows[1], rows[0], rows[0]] as Prompt[];
  expect(await judge(['q', 'p', 'p'], ['b', 'aa', 'b'], ['bbb', 'b', 'aa'], again)).toEqual([1 / 4, 2 / 3, 1 / 3]);
  expect(asked.slice(2)).toEqual(['p|b|aa|{"prompt":"p","id":1}']);
  expect(await judge([], [], [])).toEqual([]);
});

test('a pair with another rubric is another question', async () => {
  const judge = rememberPreferences((prompts, _a, _b, rows) =>
    prompts.map((_, i) => ((rows?.[i] as { rubric?: string } | undefined)?.rubric === 'short' ? 0.2 : 0.9)),
  );
  const ask = (row: Prompt) => judge(['p'], ['a'], ['b'], [row]);
  expect(await ask({ prompt: 'p', rubric: 'short' })).toEqual([0.2]);
  expect(await ask({ prompt: 'p', rubric: 'long', size: 3n })).toEqual([0.9]);
  const { fn, asked } = counted(share);
  // a row that is its prompt asks nothing more than the prompt
  const plain = rememberPreferences(fn);
  for (const rows of [undefined, ['p'], [{ prompt: 'p' }]]) await plain(['p'], ['a'], ['b'], rows);
  expect(asked).toHaveLength(1);
});

test('the oldest are forgotten; what was no answer, or thrown, is asked again', async () => {
  const { fn, asked } = counted(share);
  const small = rememberPreferences(fn, { most: 2 });
  for (const a of ['a', 'bb', 'a', 'ccc', 'a', 'bb']) await small(['p'], [a], ['x']);
  expect(asked.map((line) => line.split('|')[1])).toEqual(['a', 'bb', 'ccc', 'bb']);

  let calls = 0;
  const moody = rememberPreferences(() => {
    if (++calls === 1) throw new Error('busy');
    return calls === 2 ? [0.5, 0.5] : [calls === 3 ? 7 : 0.25];
  });
  const pair = { prompts: ['p'], a: ['a'], b: ['b'] };
  await expect(askPreferences(moody, pair, { retries: 0 })).rejects.toThrow('busy');
  await expect(askPreferences(moody, pair, { retries: 0 })).rejects.toThrow(
    'another number of answers; got 2, wanted 1',
  );
  await expect(askPreferences(moody, pair, { retries: 0 })).rejects.toThrow('no probability; got 7');
  expect((await askPreferences(moody, pair)).preferences[0]).toBe(0.25);
  expect((await askPreferences(moody, pair)).preferences[0]).toBe(0.25);
  expect(calls).toBe(4);
  expect(() => rememberPreferences(fn, { most: 0 })).toThrow('most');
});

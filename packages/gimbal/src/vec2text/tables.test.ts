// The curve of diversity by hand; where the nearest sentences are looked for.
import { rng, useBackend } from '@gimbal/tensor-core';
import { spaceStats, specialIds, trainedModel, vec2text, wordTokenizer } from '@gimbal/vec2text';
import { toyLanguages } from '@gimbal/worlds';
import { languageTerms } from './oracles.ts';
import { differentChart, nearestOthers } from './tables.ts';

test('counts the different meanings of valid texts so far', () => {
  const oracles = {
    valid: (text: string) => text !== 'x',
    sem: (text: string) => text.toLowerCase(),
    agree: (a: string, b: string) => Number(a === b),
  };
  // a, A and b mean two things; x is no text
  const { series } = differentChart([['a', 'x', 'A', 'b']], ['drawn'], oracles, languageTerms);
  expect(series[0]?.points).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
    [4, 2],
  ]);
  expect(series[1]?.points.at(-1)).toEqual([4, 4]);
});

test('the nearest are looked for among training sentences, else among four fifths, and not among a few', async () => {
  await useBackend('auto');
  const { aish } = toyLanguages({ preset: 'typed' });
  const tokenizer = wordTokenizer(aish.words);
  const sizes = { width: 16, heads: 2, controlDim: 4, maxLength: 18 };
  const module = vec2text({ vocabSize: tokenizer.size, ...specialIds(tokenizer), ...sizes });
  const stats = spaceStats(module.space, Float32Array.of(0, 0, 0, 0, 1, 1, 1, 1));
  using model = trainedModel({ module, params: module.init(rng(0)), tokenizer, stats });
  const all = aish.sentences(60, rng(3));
  const { signal } = new AbortController();
  const rowsOf = async (texts: readonly string[], known?: readonly string[]): Promise<unknown[][]> => {
    const [table] = await nearestOthers({ model, texts, signal, known });
    return table === undefined
      ? []
      : table.rows.map((row) => row.map((cell) => (typeof cell === 'object' ? cell.text : cell)));
  };
  // 20 held out: 4 would be looked for among 16
  expect(await rowsOf(all.slice(0, 20))).toEqual([]);
  expect(await rowsOf(all.slice(0, 25))).toHaveLength(5);
  const [held, long] = [all.slice(0, 20), new Array(18).fill('boy').join(' ')];
  const rows = await rowsOf(held, [...all, long]);
  expect(rows).toHaveLength(20);
  for (const [, ...near] of rows) {
    expect(near).toHaveLength(3);
    for (const text of near) expect(all.slice(20)).toContain(text);
  }
  expect(await rowsOf(held, held)).toEqual([]);
});

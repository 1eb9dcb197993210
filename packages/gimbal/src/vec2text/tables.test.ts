// The curve of diversity by hand.
import { languageTerms } from './oracles.ts';
import { differentChart } from './tables.ts';

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

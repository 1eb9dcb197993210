import { jsonLine } from './json-line.ts';

it('rows of a file have no digits that single precision does not know', () => {
  const row = {
    text: 'a',
    logProb: -38.294523276388645,
    tokens: 123456789,
    none: Number.NaN,
    candidates: [{ reward: 1 / 3 }],
  };
  expect(jsonLine(row)).toBe(
    '{"text":"a","logProb":-38.29452,"tokens":123456789,"none":null,"candidates":[{"reward":0.3333333}]}\n',
  );
  // columns of the user's stay as they are
  expect(jsonLine({ share: 1 / 3 }, { id: 1 / 3 })).toBe('{"id":0.3333333333333333,"share":0.3333333}\n');
});

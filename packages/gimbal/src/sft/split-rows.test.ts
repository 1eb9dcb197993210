import { dataset } from '@gimbal/language-models';
import { rng } from '@gimbal/tensor-core';
import { type RowLimit, splitRowsByLength } from './split-rows.ts';

const limit: RowLimit = { tokens: 8, context: 8, given: undefined, overflow: 'drop' };
/** Rows whose text is their number of tokens; those in `long` cannot be used. */
const split = (tokens: readonly number[], o: Partial<RowLimit> = {}, heldOut?: number, seed = 0) => {
  const data = dataset(tokens.map((n, i) => ({ text: `${n}.${i}` })));
  const lengths = tokens.map((n) => ({ tokens: n, isUsable: n <= 8 || o.overflow === 'split' }));
  return splitRowsByLength(data, lengths, { ...limit, ...o }, heldOut, rng(seed));
};

test('what is held out is drawn from rows that can be used; the others are counted where it is trained', async () => {
  for (let seed = 0; seed < 8; seed++) {
    const { train, heldOut, unusable } = await split([3, 90, 4, 91, 5], {}, 2, seed);
    expect(unusable).toBe(2);
    expect(heldOut.rows.map(({ text }) => text)).not.toContainEqual(expect.stringMatching(/^9/));
    expect([...train.rows, ...heldOut.rows].map(({ text }) => text).sort()).toEqual([
      '3.0',
      '4.2',
      '5.4',
      '90.1',
      '91.3',
    ]);
    expect(heldOut.rows).toHaveLength(2);
    // each row keeps its place
    for (const part of [train, heldOut]) {
      expect(part.rows.map((_, i) => part.where(i))).toEqual(
        part.rows.map(({ text }) => `row ${(text as string).split('.')[1]}`),
      );
    }
  }
  const cut = await split([90, 91, 92], { overflow: 'split' });
  expect([cut.train.rows.length, cut.heldOut.rows.length]).toEqual([2, 1]);
});

test.each([
  [
    [90, 3],
    {},
    /row 0: all but one of 2 rows are too long.*"?90 tokens in the shortest.*at most 8 tokens \(the model's context\)/s,
  ],
  [
    [90, 91],
    { context: 64 },
    /all 2 rows.*\(where --max-length is not given\).*Raise --max-length \(the model reads 64/s,
  ],
  [[90, 91], { overflow: 'cut' }, /all 2 rows are too long by the prompt alone.*shorten the prompts/s],
  [
    [3, 9, 4],
    { overflow: 'error', given: 8 },
    /row 1: .*--overflow error refuses.*9 tokens.*\(--max-length\).*--overflow drop/s,
  ],
] as const)('%j, %j is refused with the limit that holds', async (tokens, o, said) => {
  await expect(split(tokens, o)).rejects.toThrow(said);
});

test('more held-out rows than can be used are refused', async () => {
  await expect(split([3, 4, 90], {}, 2)).rejects.toThrow(/--held-out: nothing is left to train on.*2 of 2 rows/s);
});

import { inParts } from './in-parts.ts';

test('one number is that number; of several each holds for an equal part, the last one beyond the end', () => {
  expect(inParts(0.1, 10)).toBe(0.1);
  expect(inParts([0.1], 10)).toBe(0.1);
  const three = inParts([3, 2, 1], 7) as (step: number) => number;
  // 7/3 = 2.33 and 4.67: updates 0 to 2, 3 and 4, 5 and 6
  expect(Array.from({ length: 9 }, (_, step) => three(step))).toEqual([3, 3, 3, 2, 2, 1, 1, 1, 1]);
});

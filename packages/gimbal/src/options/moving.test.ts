import { moves, readMoving } from './moving.ts';

test('a number that moves says from what to what, and may say in how many updates', () => {
  expect(readMoving('0..0.5@100')).toEqual({ start: 0, end: 0.5, steps: 100 });
  expect(readMoving('1..0')).toEqual({ start: 1, end: 0, steps: undefined });
  for (const text of ['0.5', '0..', '..1', 'a..b', '0..1@', '0..1@0', '0..1@x'])
    expect(readMoving(text)).toBeUndefined();
});

test('it goes in a straight line, and stays', () => {
  const at = moves({ start: 0.2, end: 1, steps: undefined }, 4) as (step: number) => number;
  expect([0, 1, 4, 9].map(at)).toEqual([0.2, 0.4, 1, 1]);
});

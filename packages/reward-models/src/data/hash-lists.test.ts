import { hashLists } from './hash-lists.ts';

it('names lists by their numbers, their order and where one ends', () => {
  const lists = [
    [[1, 2], [3]],
    [[1], [2, 3]],
    [[2, 1], [3]],
    [[1, 2], [3.5]],
    [[1, 2], [-3]],
  ];
  const names = lists.map(hashLists);
  expect(new Set(names).size).toBe(names.length);
  expect(hashLists([[1, 2], [3]])).toBe(names[0]);
  expect(names[0]).toMatch(/^[0-9a-f]{16}$/);
  // many lists of small numbers, as tokens are
  const many = Array.from({ length: 20_000 }, (_, i) => hashLists([[i % 100, Math.floor(i / 100)]]));
  expect(new Set(many).size).toBe(many.length);
});

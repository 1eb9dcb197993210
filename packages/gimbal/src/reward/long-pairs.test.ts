import { toldLong } from './long-pairs.ts';

test('what is said of long pairs names a path once, how long is too long, and how many are not named', () => {
  const told = { rows: 4, where: ['a/p.jsonl:1', 'a/p.jsonl:3', 'b.jsonl:2'], limit: 32, overflow: 'drop' as const };
  expect(toldLong(told, 9, 'pair')).toBe(
    '4 of 9 pairs are longer than 32 tokens and left out: a/p.jsonl:1, 3, b.jsonl:2 and 1 more. --overflow cut shortens them; a model with a longer context (gimbal align --context) has room',
  );
});

import { longRows } from './long-rows.ts';

const overflow = { rows: 23, where: ['a.jsonl:3', 'a.jsonl:5'] };

test('what is said of long rows counts all of them, of how many, and names the flags that help', () => {
  expect(longRows(overflow, '36 rows', { tokens: 192, context: 2048, overflow: 'drop' })).toBe(
    '23 of 36 rows are too long, over 192 tokens, and left out: a.jsonl:3, 5 and 21 more; a higher --max-length keeps them whole (the model reads 2048 tokens), --overflow cut keeps their beginning',
  );
  expect(longRows({ ...overflow, rows: 2 }, '3 rows', { tokens: 64, context: 64, overflow: 'cut' })).toBe(
    '2 of 3 rows are too long, over 64 tokens, and cut: a.jsonl:3, 5',
  );
  expect(longRows({ ...overflow, rows: 2 }, '3 rows', { tokens: 32, context: 64, overflow: 'split' })).not.toContain(
    ';',
  );
});

import { mostLines, tooLong } from '../lib/file-length.mjs';

const text = (lines: number): string => 'x\n'.repeat(lines);

test('a file of 400 lines is short enough, with or without a last line break', () => {
  const files = [
    ['a.ts', text(mostLines)],
    ['b.ts', text(mostLines).trimEnd()],
  ] as const;
  expect(tooLong(files, {})).toEqual([]);
});

test('one more is too long, and named', () => {
  expect(tooLong([['a.ts', text(mostLines + 1)]], {})).toEqual(['a.ts has 401 lines, at most 400: split it by noun']);
});

test('an exception lets a file pass, and is refused once no file needs it', () => {
  const exceptions = { 'a.ts': 'a reason' };
  expect(tooLong([['a.ts', text(500)]], exceptions)).toEqual([]);
  for (const files of [[['a.ts', text(10)] as const], []])
    expect(tooLong(files, exceptions)).toEqual([
      'a.ts is an exception in scripts/floors.mjs that it does not need: drop it',
    ]);
});

import { PassThrough } from 'node:stream';
import { consoleAside } from './console-aside.ts';

test('what is printed goes to stderr until the console is put back', () => {
  const stderr = new PassThrough();
  const before = globalThis.console;
  const { write } = process.stdout;
  const back = consoleAside({ stderr });
  console.log('from a reward', { a: 1 });
  console.error('and an error');
  process.stdout.write('past the console\n', 'utf8');
  back();
  expect([globalThis.console, process.stdout.write]).toEqual([before, write]);
  expect(String(stderr.read())).toBe('from a reward { a: 1 }\nand an error\npast the console\n');
});

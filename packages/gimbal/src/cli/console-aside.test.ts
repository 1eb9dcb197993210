import { PassThrough } from 'node:stream';
import { consoleAside } from './console-aside.ts';

test('what is printed goes to stderr until the console is put back', () => {
  const stderr = new PassThrough();
  const before = globalThis.console;
  const back = consoleAside({ stderr });
  console.log('from a reward', { a: 1 });
  console.error('and an error');
  back();
  expect(globalThis.console).toBe(before);
  expect(String(stderr.read())).toBe('from a reward { a: 1 }\nand an error\n');
});

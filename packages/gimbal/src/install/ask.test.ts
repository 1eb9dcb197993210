// The question before an install, at a terminal.
import { PassThrough } from 'node:stream';
import { confirm } from './ask.ts';

/** Types keys at a terminal that asks. */
function typing(
  keys: string,
  signal = new AbortController().signal,
): { answer: Promise<boolean>; shown: () => string } {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input });
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 80 });
  let shown = '';
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
  });
  const answer = confirm('Install it?', signal, { input, output });
  input.write(keys);
  return { answer, shown: () => shown };
}

test.each([
  ['y', true],
  ['YES', true],
  [' yes ', true],
  ['n', false],
  ['', false],
  ['yess', false],
])('"%s" answers it: %s', async (keys, agreed) => {
  const { answer, shown } = typing(`${keys}\r`);
  expect(await answer).toBe(agreed);
  expect(shown()).toContain('Install it? [y/N] ');
});

test.each([
  ['Ctrl-C', '\x03'],
  ['Ctrl-C behind half an answer', 'ye\x03'],
  ['the end of the input', '\x04'],
])('%s stops the command', async (_, keys) => {
  await expect(typing(keys).answer).rejects.toMatchObject({ code: 'ERR_STOPPED', what: 'nothing was installed' });
});

test('a signal stops it too', async () => {
  const control = new AbortController();
  const { answer } = typing('', control.signal);
  control.abort();
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
});

test('where nobody can answer it says which options do', async () => {
  const input = new PassThrough();
  await expect(
    confirm('Install it?', new AbortController().signal, { input, output: new PassThrough() }),
  ).rejects.toMatchObject({ code: 'ERR_CONFIG', fix: 'add --yes, or --dry-run to see only what it would do' });
});

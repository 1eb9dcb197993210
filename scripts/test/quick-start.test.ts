import { needsNative, programOf, quickStart, scriptsOf, toJavaScript } from '../packed/quick-start.mjs';

const readme = (...lines: string[]): string => lines.join('\n');

test('takes commands and programs under the heading, down to the next one of its level', () => {
  const text = readme(
    '# name',
    '```ts',
    'before();',
    '```',
    '## Quick start',
    '```sh',
    'npm install name   # done by the installer',
    '$ npx name run \\',
    '  --steps 3 # short',
    '```',
    '### In two parts',
    '```ts',
    'const a: number = 1;',
    '```',
    '```json',
    '{ "output": 1 }',
    '```',
    '```js',
    'console.log(a);',
    '```',
    '## Options',
    '```ts',
    'after();',
    '```',
  );
  expect(quickStart(text)).toEqual({
    commands: ['npx name run --steps 3'],
    program: 'const a: number = 1;\nconsole.log(a);',
  });
});

test.each([
  ['no such heading', readme('# name', '```ts', 'a();', '```')],
  ['no code under it', readme('# name', '## Quick start', 'Soon.', '## More', '```ts', 'a();', '```')],
  ['only output under it', readme('## Quick start', '```text', 'hello', '```')],
])('a README with %s has none', (_, text) => {
  expect(quickStart(text)).toBeUndefined();
});

test('a heading inside a block is code', () => {
  expect(quickStart(readme('## Quick start', '```sh', '# a comment', 'node a.js', '```'))?.commands).toEqual([
    'node a.js',
  ]);
});

test("a page's program is its ts blocks, joined", () => {
  expect(programOf(readme('```ts', 'a();', '```', '## x', '```js', 'b();', '```', '```ts', 'c();', '```'))).toBe(
    'a();\nc();',
  );
});

test('js blocks of a page are programs of their own, and one may need the native binary', () => {
  const text = readme('```js', "await tf.setBackend('native');", '```', '```ts', 'b();', '```', '```js', 'c();', '```');
  expect(scriptsOf(text)).toEqual(["await tf.setBackend('native');", 'c();']);
  expect(scriptsOf(text).map(needsNative)).toEqual([true, false]);
});

test('types are taken out, and nothing else', () => {
  const program = toJavaScript('import { type A, b } from "x";\nconst c: A = b!;\nusing d = c;\nexport { d };');
  expect(program).toContain('from "x"');
  expect(program).not.toMatch(/: A|b!/);
});

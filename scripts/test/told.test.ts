import { namesIn, untold } from '../lib/told.mjs';

test('names are read from blocks and from code between back-quotes, not from prose', () => {
  const page = 'The name prose, `call(argument)` and `` a`b ``.\n\n```ts\nimport { one } from "x";\n```\nafter `two`\n';
  expect([...namesIn(page)].sort()).toEqual(['a', 'argument', 'b', 'call', 'from', 'import', 'one', 'two', 'x']);
});

test('a name within a longer one is not told', () => {
  expect(untold(['rows'], '`readRows(path)`')).toEqual(['rows']);
});

test('a name of a namespace is told by its last word', () => {
  expect(untold(['schedules.cosine', 'schedules.wsd'], '`schedules.cosine({ peak })`')).toEqual(['schedules.wsd']);
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The export statements of a list of public names. */
const statements = (file: string): string[] =>
  readFileSync(join(import.meta.dirname, file), 'utf8').match(/^export [^;]*;/gm) ?? [];

test('the page gets every public name but those whose files need Node', () => {
  const needsNode = (statement: string): boolean => statement.includes(".node.ts'");
  const node = statements('index.ts').filter((s) => !needsNode(s));
  const page = statements('browser.ts').filter((s) => !s.includes(".browser.ts'"));
  expect(page.sort()).toEqual(node.sort());
});

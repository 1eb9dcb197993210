import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('the README shows examples/quick-start.ts, which prints what the README says', async () => {
  expect(/```ts\n(.*?)```/s.exec(read('README.md'))?.[1]).toBe(read('examples/quick-start.ts'));
  const printed: string[] = [];
  const log = console.log;
  console.log = (value) => printed.push(String(value));
  try {
    await import('../examples/quick-start.ts');
  } finally {
    console.log = log;
  }
  expect(read('README.md')).toContain(`\`\`\`\n${printed.join('\n')}\n\`\`\``);
});

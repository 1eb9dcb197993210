import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test('the README shows examples/quick-start.ts, which learns and prints what the README says', async () => {
  expect(/```ts\n(.*?)```/s.exec(read('README.md'))?.[1]).toBe(read('examples/quick-start.ts'));
  const printed: string[] = [];
  const log = console.log;
  console.log = (value) => printed.push(String(value));
  try {
    await import('../examples/quick-start.ts');
  } finally {
    console.log = log;
  }
  const last = printed.slice(-2);
  expect(last).toEqual(['red is better than blue: true', 'accuracy 1, 95 % from 0.76 to 1.00, 12 pairs']);
  expect(read('README.md')).toContain(last.join('\n'));
});

import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

test.each(['cart-pole', 'token-policy'])('the README shows packages/gimbal/examples/%s.ts', (name) => {
  expect(read('README.md')).toContain(`\`\`\`ts\n${read(`../gimbal/examples/${name}.ts`)}\`\`\``);
});

test('the README shows examples/quick-start.ts, which runs and prints what the README says', async () => {
  expect(/```ts\n(.*?)```/s.exec(read('README.md'))?.[1]).toBe(read('examples/quick-start.ts'));
  const printed: string[] = [];
  const log = console.log;
  console.log = (value) => printed.push(String(value));
  try {
    await import('../examples/quick-start.ts');
  } finally {
    console.log = log;
  }
  expect(printed[0]).toMatch(/^smdpo: return 0\.526 after 200 steps/);
  expect(printed[1]).toMatch(/^mdpo: return 0\.526 after 630 steps/);
});

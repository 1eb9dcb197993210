import { readFileSync } from 'node:fs';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('README', () => {
  it('shows examples/quick-start.ts, which runs and prints about 35 %', async () => {
    expect(/```ts\n(.*?)```/s.exec(read('README.md'))?.[1]).toBe(read('examples/quick-start.ts'));
    const printed: unknown[] = [];
    const log = console.log;
    console.log = (value) => printed.push(value);
    try {
      await import('../examples/quick-start.ts');
    } finally {
      console.log = log;
    }
    expect(printed[0]).toEqual({ prompt: expect.any(String), completion: expect.any(String) });
    const percent = Number(/^(\d+) %/.exec(`${printed[1]}`)?.[1]);
    expect(percent).toBeGreaterThan(31);
    expect(percent).toBeLessThan(39);
  });
});

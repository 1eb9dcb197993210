import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { metrics } from './readme-snippets.ts';

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8');

describe('README', () => {
  it('shows snippets that are type-checked in test/readme-snippets.ts', async () => {
    const lines = (text: string): string => text.replace(/^\s+/gm, '');
    const checked = lines(await read('test/readme-snippets.ts'));
    const [, ...snippets] = [...(await read('README.md')).matchAll(/```ts\n(.*?)```/gs)].map(
      ([, code]) => code as string,
    );
    expect(snippets.length).toBeGreaterThan(2);
    const page = await read('../../docs/results/real-models.md');
    snippets.push(...[...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code as string));
    for (const snippet of snippets) expect(checked).toContain(lines(snippet));
  });

  it('shows metrics as they are called, one text or all of them', () => {
    expect(metrics()).toMatchObject({ hits: [0, 1], estimate: 0.5, varied: 1, coverage: 0, density: 0 });
  });

  it('names the files that its details are in', async () => {
    const table = [...(await read('README.md')).matchAll(/\[`(\w+)`\]\((src\/[^)]+)\)/g)];
    expect(table.length).toBeGreaterThan(5);
    for (const [, name, file] of table) expect(await read(file as string)).toContain(name);
  });

  it('shows examples/quick-start.ts, which learns its sums and saves a model', async () => {
    expect(/```ts\n(.*?)```/s.exec(await read('README.md'))?.[1]).toBe(await read('examples/quick-start.ts'));
    const printed: string[] = [];
    const [log, before, dir] = [console.log, process.cwd(), await mkdtemp(join(tmpdir(), 'gimbal-readme-'))];
    console.log = (line) => printed.push(`${line}`);
    process.chdir(dir); // it saves into the folder it runs in
    try {
      await import('../examples/quick-start.ts');
      expect(await readdir('sums')).toEqual(
        expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
      );
    } finally {
      console.log = log;
      process.chdir(before);
      await rm(dir, { recursive: true });
    }
    const losses = printed.slice(0, 6).map((line) => Number(/loss ([\d.]+)/.exec(line)?.[1]));
    expect(losses.at(-1)).toBeLessThan(0.1);
    expect(printed.at(-1)).toBe('2 + 2 = 4, 3 + 4 = 7, 5 + 3 = 8');
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isModule, ownFunction } from './own-function.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-own-'));
});
afterAll(() => rm(dir, { recursive: true }));

test('paths of modules, and of other things', () => {
  expect(['a.mjs', 'b/c.js', 'd.cjs', 'e.ts', 'f.mts'].every(isModule)).toBe(true);
  expect(['runs/reward-1', 'world:newsroom', 'rows.json', 'jest'].some(isModule)).toBe(false);
});

test('a TypeScript module runs where Node reads it, and elsewhere it is said what to do', async () => {
  const path = join(dir, 'judge.ts');
  await writeFile(path, 'export default (texts: string[]): number[] => texts.map((text) => text.length);\n');
  const asked = ownFunction<(texts: string[]) => number[]>(path, 'gimbal rl --reward', 'a function');
  if ((process.features as { typescript?: unknown }).typescript) expect((await asked)(['ab'])).toEqual([2]);
  else await expect(asked).rejects.toThrow(/reads no TypeScript.*npx esbuild .*judge\.ts --outfile=.*judge\.mjs/s);
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sameWeights } from './same-weights.node.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'same-weights-'));
});
afterAll(() => rm(dir, { recursive: true }));

test('the same bytes in files of the same names, whatever else the folders hold', async () => {
  const folder = async (name: string, files: { [file: string]: Buffer | string }): Promise<string> => {
    await mkdir(join(dir, name));
    for (const [file, content] of Object.entries(files)) await writeFile(join(dir, name, file), content);
    return join(dir, name);
  };
  // longer than a chunk, and no multiple of it
  const weights = Buffer.alloc((1 << 20) + 5, 7);
  const changed = Buffer.from(weights);
  changed[weights.length - 1] = 8;
  const first = await folder('first', { 'model.safetensors': weights, 'config.json': '{}' });
  const same = await folder('same', { 'model.safetensors': weights });
  expect(await sameWeights(first, same)).toBe(true);
  expect(await sameWeights(first, await folder('changed', { 'model.safetensors': changed }))).toBe(false);
  expect(await sameWeights(first, await folder('longer', { 'model.safetensors': `${weights}x` }))).toBe(false);
  expect(await sameWeights(first, await folder('named', { 'other.safetensors': weights }))).toBe(false);
  expect(await sameWeights(await folder('none', {}), await folder('neither', {}))).toBe(false);
});

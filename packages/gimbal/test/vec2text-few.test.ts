// gimbal vec2text train on few sentences of one's own: what is held out of them, and when they are learnt by heart.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng } from '@gimbal/tensor-core';
import { toyLanguages } from '@gimbal/worlds';
import { type Printed, runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);
const run = (...argv: string[]): Promise<Printed> => runMain(['vec2text', ...argv], source);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-vec2text-few-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The first twelve lines of a file, in another. */
async function twelveIn(path: string): Promise<string> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, 12);
  await writeFile(`${path}.twelve.txt`, lines.join('\n'));
  return `${path}.twelve.txt`;
}

test('a few sentences of one’s own: a tenth is held out, and two are enough to end with a page', async () => {
  const [few, ten] = [join(folder, 'few.txt'), join(folder, 'ten')];
  const texts = toyLanguages({ preset: 'typed' }).aish.sentences(60, rng(8));
  await writeFile(few, [...texts, texts[3], texts[3]].join('\n'));
  const small = ['--steps', '5', '--width', '16', '--vocabulary', '400', '--objective', 'ae', '--samples', '20'];
  const { code, stderr } = await run('train', '--data', few, ...small, '--out', ten);
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining('54 sentences, 6 held out; rows left out that repeat a sentence: 2 of 62\n'),
  ]);
  expect(stderr).toMatch(/step 5: loss \d\.\d{4}, held-out \d\.\d{4}/);
  expect(stderr).not.toContain('by heart');
  const longer = ['--width', '32', '--steps', '120', '--learning-rate', '1e-2', '--out', join(folder, 'heart')];
  const twelve = ['train', '--data', await twelveIn(few), ...small.slice(4)];
  expect((await run(...twelve, '--held-out', '6', ...longer)).stderr).toMatch(
    /best after \d+ updates .*learnt by heart.*--steps \d+/,
  );
  const two = join(folder, 'two');
  expect((await run('train', '--data', few, ...small, '--held-out', '2', '--out', two)).code).toBe(0);
  expect(await readFile(join(two, 'report.html'), 'utf8')).toContain('Semantic structure');
}, 120_000);

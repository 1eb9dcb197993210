// gimbal reproduce vec2text: claims that take no training, and those of real sentences.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { type Printed, runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-vec2text-claims-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('claims that need no training hold', async () => {
  const argv = ['reproduce', 'vec2text', '--claim', 'E0', '--json', '--out', join(folder, 'claims')];
  const { stdout, stderr } = await runMain(argv, source);
  if (stdout === '') throw new Error(stderr);
  const { claims } = JSON.parse(stdout) as ReproduceReport;
  expect(claims.map(({ id, verdict }) => [id, verdict])).toEqual([['E0', 'holds']]);
}, 120_000);

test('claims of real sentences: skipped without data, refused for a folder that has none; the quick ones', async () => {
  const claim = async (name: string, ...argv: string[]): Promise<Printed> =>
    runMain(['reproduce', 'vec2text', ...argv, '--out', join(folder, name)], source);
  const { stdout } = await claim('skipped', '--claim', 'E17', '--json');
  const [found] = (JSON.parse(stdout) as ReproduceReport).claims;
  expect(found).toMatchObject({
    id: 'E17',
    verdict: 'reported',
    measured: expect.stringMatching(/^skipped: no --data/),
  });
  expect((await claim('none', '--claim', 'E17', '--data', folder)).stderr).toMatch(/no such file.*snli_dev\.jsonl/s);
  expect((await claim('both', '--quick', '--claim', 'E0')).stderr).toMatch(
    /says itself which claims.*Leave --claim out/s,
  );
  const none = await runMain(['reproduce', 'warm', '--quick'], source);
  expect(none.stderr).toMatch(/no claim of warm is a quick one/);
}, 120_000);

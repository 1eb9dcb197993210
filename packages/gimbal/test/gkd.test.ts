// Distillation from the command line: the claims that a test has time for.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-gkd-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('reproduce gkd: the claims that are exact', async () => {
  const ids = ['G1', 'G2'];
  const argv = ['reproduce', 'gkd', '--claim', ids.join(','), '--json', '--out', join(folder, 'claims')];
  const { code, stdout, stderr } = await runMain(argv, source);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as ReproduceReport;
  expect(report.claims.map(({ id, verdict, measured }) => [id, verdict, measured])).toEqual(
    ids.map((id) => [id, 'holds', expect.any(String)]),
  );
  expect(code).toBe(0);
}, 60_000);

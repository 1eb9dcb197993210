// The claims of RLEF that follow from its definitions, from the sources.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);

test('what a token is rewarded with is as the paper says, and its optimum is reached', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gimbal-rlef-'));
  const argv = ['reproduce', 'rlef', '--claim', 'E0,E1', '--json', '--out', join(folder, 'out')];
  const { code, stdout, stderr } = await runMain(argv, source);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as ReproduceReport;
  const found = report.claims.map(({ id, verdict, measured }) => [id, verdict, measured]);
  expect(found).toEqual([
    ['E0', 'holds', expect.stringMatching(/^total variation/)],
    ['E1', 'holds', expect.stringMatching(/^off by at most/)],
  ]);
  expect(code).toBe(0);
  await rm(folder, { recursive: true });
}, 120_000);

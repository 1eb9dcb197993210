// The claims of WARM that a test has time for, from the sources, on two seeds.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);

test('averaged reward models: connected, as good as their ensemble, better than a member, at the cost of one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gimbal-warm-'));
  const ids = ['W0', 'W1', 'W3', 'W4', 'W12'];
  const argv = [
    'reproduce',
    'warm',
    '--claim',
    ids.join(','),
    '--seeds',
    '0,1',
    '--json',
    '--out',
    join(folder, 'out'),
  ];
  const { code, stdout, stderr } = await runMain(argv, source);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as ReproduceReport;
  expect(report.claims.map(({ id, verdict }) => [id, verdict])).toEqual(ids.map((id) => [id, 'holds']));
  expect(code).toBe(0);
  await rm(folder, { recursive: true });
}, 400_000);

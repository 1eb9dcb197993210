// The tabular claims of nash-md that take seconds, from the sources, and its bench suite for a moment.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchReport } from '../src/bench/table.ts';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-nash-md-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('the exact claims of nash-md hold', async () => {
  const ids = ['N2', 'N3', 'N4', 'N5', 'N6', 'N7'];
  const out = join(folder, 'claims');
  const argv = [
    'reproduce',
    'nash-md',
    '--claim',
    ids.join(','),
    '--seeds',
    '0',
    '--backend',
    'cpu',
    '--json',
    '--out',
    out,
  ];
  const { code, stdout, stderr } = await runMain(argv, source);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as ReproduceReport;
  expect(report.claims.map(({ id, verdict, measured }) => ({ id, verdict, measured }))).toEqual(
    ids.map((id) => ({ id, verdict: 'holds', measured: expect.any(String) })),
  );
  expect(code).toBe(0);
}, 60_000);

test('the bench suite measures every size, and whether the limit is kept', async () => {
  const { code, stdout, stderr } = await runMain(
    ['bench', 'nash-md', '--effort', '0', '--backend', 'cpu', '--json'],
    source,
  );
  if (stdout === '') throw new Error(stderr);
  const { rows } = JSON.parse(stdout) as BenchReport;
  expect(rows.map(({ unit, hostKernels }) => [unit, hostKernels])).toEqual([
    ['ms', 0],
    ['ms', 0],
    ['ms', 0],
    ['s', 0],
  ]);
  for (const { ours } of rows) expect(ours).toBeGreaterThan(0);
  expect(code === 0 || (rows[3]?.ratio as number) < 1).toBe(true);
}, 60_000);

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { busyShare, cpuTicks, othersShare } from './busy.ts';
import { runSuite } from './run-suite.ts';
import type { BenchRow } from './suite.ts';
import { cells, loadNote, missed } from './table.ts';

/** A /proc with these processes: pid, parent, utime + stime, cutime + cstime. */
function proc(cpu: string, processes: readonly (readonly [number, number, number, number])[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'proc-'));
  writeFileSync(join(folder, 'stat'), `cpu  ${cpu}\ncpu0 1 2 3\n`);
  for (const [pid, parent, ticks, ended] of processes) {
    mkdirSync(join(folder, String(pid)));
    // the name may hold brackets and blanks
    writeFileSync(
      join(folder, String(pid), 'stat'),
      `${pid} (a) b) S ${parent} 0 0 0 0 0 0 0 0 0 ${ticks} 0 ${ended} 0 20 0`,
    );
  }
  return folder;
}

test('others are what the processors did, less this process and its descendants', () => {
  const before = proc('100 0 50 800 50 0 0 999', [
    [10, 1, 30, 0],
    [11, 10, 5, 0],
    [12, 1, 70, 0],
  ]);
  // 200 ticks: 100 idle, 60 by this process and its child, 20 by a child that ended, 20 by others
  const after = proc('180 0 70 880 70 0 0 5999', [
    [10, 1, 70, 20],
    [11, 10, 25, 0],
    [12, 1, 90, 0],
  ]);
  const [from, to] = [cpuTicks(10, before), cpuTicks(10, after)];
  expect(from).toEqual({ all: 1000, worked: 150, own: 35 });
  expect(to).toEqual({ all: 1200, worked: 250, own: 115 });
  expect(othersShare(from, to)).toBeCloseTo(20 / 200, 12);
  expect(othersShare(undefined, to)).toBeNull();
  expect(cpuTicks(10, join(before, 'none'))).toBeUndefined();
  for (const folder of [before, after]) rmSync(folder, { recursive: true });
});

test('each row carries what others did while it was timed, and those made of it at once, too', async () => {
  const root = mkdtempSync(join(tmpdir(), 'suite-'));
  mkdirSync(join(root, 'benches'));
  const row = (more: string): string =>
    `{ name: 'x', unit: '', ours: 1, peer: 1, ratio: 1, goal: 1, hostKernels: 0${more} }`;
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(root, 'benches', 'rows.js'),
    `export const suite = { name: 'rows', summary: '', async *run() {
      yield ${row(', others: 0.5')};
      yield ${row(', others: null')};
      await new Promise((resolve) => setTimeout(resolve, 1500));
      yield ${row('')};
      yield ${row('')};
    } };`,
  );
  const options = { peer: false, effort: 1, seed: 0 };
  const request = {
    name: 'rows',
    options,
    backend: 'cpu',
    threads: 1,
    bf16: false,
    signal: new AbortController().signal,
  };
  const { rows } = await runSuite({
    ...request,
    root: pathToFileURL(`${root}/`),
    onRow: () => {},
    note: () => {},
  });
  rmSync(root, { recursive: true });
  expect(rows.map(({ name }) => name)).toEqual(Array(4).fill('rows: x'));
  expect(rows.slice(0, 2).map(({ others }) => others)).toEqual([0.5, null]);
  if (cpuTicks() !== undefined) expect(rows[2]?.others).toEqual(expect.any(Number));
  expect(rows[3]?.others).toBe(rows[2]?.others);
});

test('on a busy machine a row is no verdict, whichever side of its goal it is on', () => {
  const row: BenchRow = { name: 'x', unit: 's', ours: 1, peer: 2, ratio: 2, goal: 1, hostKernels: 0, others: 0.02 };
  expect(cells(row)[4]).toBe('2.00 ✓');
  const busy = { ...row, others: busyShare + 0.01 };
  expect(cells(busy)[4]).toBe('2.00 busy machine (others 11 %): not a verdict');
  expect(missed([row, busy, { ...busy, ratio: 0.5 }])).toEqual([]);
  expect(
    missed([
      { ...row, ratio: 0.5 },
      { ...row, ratio: 0.5, others: null },
    ]),
  ).toHaveLength(2);
  expect(loadNote([row, { ...row, others: null }])).toContain('more than 10 % of the processors’ time');
  expect(loadNote([{ ...row, others: null }])).toContain('does not say what other processes used');
});

const linux = cpuTicks() === undefined ? test.skip : test;
if (linux === test.skip) console.warn('busy: skipped, this system has no /proc/stat');
linux('a child that computes is ours', async () => {
  const from = cpuTicks();
  const child = spawn(process.execPath, ['-e', 'while (process.cpuUsage().user < 4e5);']);
  await new Promise((resolve) => child.once('exit', resolve));
  const to = cpuTicks();
  expect((to?.own ?? 0) - (from?.own ?? 0)).toBeGreaterThan(20);
});

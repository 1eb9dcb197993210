// gimbal reproduce on a paper of two claims, one of which fails: what is run, kept and run again.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Output } from '../src/cli/output.ts';
import { command } from '../src/commands/reproduce.ts';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { commitOf } from '../src/run/commit.ts';
import { runMain } from './run-main.ts';

const home = process.cwd();
const quiet = { json: true, trace: false, seed: 0 };
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-reproduce-'));
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true, force: true });
});

test('runs the claims of a paper and prints their verdicts', async () => {
  const { code, stdout } = await runMain(['reproduce', 'abacus', '--json', '--backend', 'cpu', '--out', 'abacus']);
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as { [name: string]: unknown };
  expect(report).toMatchObject({ paper: 'abacus', seeds: [0, 1] });
  expect(report.claims).toEqual([
    {
      id: 'A1',
      claim: 'two and two are four',
      paper: '4 (table 1)',
      measured: 4,
      interval: [4, 4],
      wanted: '4',
      verdict: 'holds',
      madeWith: {
        commit: commitOf() ?? null, // of no repository: a tarball has none
        versions: expect.objectContaining({ node: process.version }),
        machine: expect.objectContaining({ backend: 'cpu' }),
      },
    },
  ]);
  expect(JSON.parse(await readFile('runs/abacus/results.json', 'utf8'))).toEqual(report);
});

test('ends with 1 if a claim fails', async () => {
  const { code, stdout } = await runMain(['reproduce', 'abacus', '--full', '--backend', 'cpu']);
  expect(code).toBe(1);
  expect(stdout).toContain('fails    A2  two and two are five');
  expect(stdout).toContain('1 of 2 claims hold');
});

test('--resume runs a claim that failed again, and keeps what others were found with', async () => {
  const args = ['reproduce', 'abacus', '--full', '--json', '--backend', 'cpu', '--out', 'again'];
  const { claims } = JSON.parse((await runMain(args)).stdout) as ReproduceReport;
  const stands = 'runs/again/results.json';
  // as if an earlier commit had left them; A1's measured value, that it is not run again
  const [A1, A2] = claims.map((claim) => ({ ...claim, madeWith: { ...claim.madeWith, commit: 'before' } }));
  await writeFile(
    stands,
    JSON.stringify({ ...JSON.parse(await readFile(stands, 'utf8')), claims: [{ ...A1, measured: 4.5 }, A2] }),
  );
  await mkdir('runs/again/A2');
  const { code, stdout, stderr } = await runMain([...args, '--resume']);
  expect(code).toBe(1);
  expect(stderr).toContain('A2 failed at before: run again');
  const resumed = (JSON.parse(stdout) as ReproduceReport).claims;
  expect(resumed.map(({ id, measured, madeWith: { commit } }) => ({ id, measured, commit }))).toEqual([
    { id: 'A1', measured: 4.5, commit: 'before' },
    { id: 'A2', measured: 4, commit: claims[1]?.madeWith.commit },
  ]);
  expect(existsSync('runs/again/A2')).toBe(false);
});

test('a run that is stopped again does not count claims that are still to be run', async () => {
  await runMain(['reproduce', 'abacus', '--full', '--backend', 'cpu', '--out', 'twice']);
  const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
  const stopped = command.run({
    options: { full: true, quick: false, peer: false, resume: true, out: 'twice', backend: 'cpu', ...quiet },
    ...{ arguments: ['abacus'], given: new Map(), root: new URL('./fixtures/', import.meta.url) },
    ...{ output: new Output({ stdout: sink, stderr: sink }, true), signal: AbortSignal.abort() },
  });
  await expect(stopped).rejects.toThrow('stopped after 1 of 2 claims');
});

test('a results.json that says its commit once is gone on with', async () => {
  const args = ['reproduce', 'abacus', '--json', '--backend', 'cpu', '--out', 'old'];
  const { claims } = JSON.parse((await runMain(args)).stdout) as ReproduceReport;
  const older = { paper: 'abacus', commit: 'older', machine: { cores: 2 }, seeds: [0, 1], minutes: 1 };
  const without = claims.map(({ madeWith: _, ...claim }) => claim);
  await writeFile('runs/old/results.json', JSON.stringify({ ...older, claims: without }));
  const resumed = JSON.parse((await runMain([...args, '--resume'])).stdout) as ReproduceReport;
  expect(resumed.claims[0]?.madeWith).toEqual({ commit: 'older', versions: {}, machine: { cores: 2 } });
  expect(resumed).not.toHaveProperty('commit');
});

test('an unknown paper or claim is wrong usage', async () => {
  expect((await runMain(['reproduce', 'abakus'])).stderr).toContain('Did you mean abacus?');
  expect((await runMain(['reproduce'])).code).toBe(2);
  const claim = await runMain(['reproduce', 'abacus', '--claim', 'A3']);
  expect([claim.code, claim.stderr]).toEqual([
    2,
    expect.stringContaining('abacus has no claim A3; wanted one of A1, A2'),
  ]);
});

// The claims of RLEF that follow from its definitions, from the sources.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rerank } from '@gimbal/reward-models';
import { disposeTree, readSafetensors, useBackend } from '@gimbal/tensor-core';
import { desk, heldOut, isEntailed, write } from '../src/claims/rlef/internal/desk.ts';
import { measure } from '../src/claims/rlef/internal/measure.ts';
import { reinforce } from '../src/claims/rlef/internal/reinforced.ts';
import { bestOf } from '../src/claims/rlef/internal/samples.ts';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { runMain } from './run-main.ts';

// the summariser of 3000 steps that `npx gimbal reproduce rlef --claim E2` trains and keeps below runs/.cache/rlef-supervised
const summariser = fileURLToPath(new URL('golden/rlef-summariser.safetensors', import.meta.url));
const { signal } = new AbortController();

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

test('sixty updates against an oracle make far more summaries true, and shorter', async () => {
  await useBackend('auto');
  const start = await readSafetensors(summariser);
  const before = await measure(start, { temperature: 1, signal });
  const { params } = await reinforce(
    { name: 'smoke', reward: desk.judge(0.03), alpha: 0.1, seed: 0, updates: 60 },
    start,
    signal,
  );
  const after = await measure(params, { temperature: 1, signal });
  expect(before.entailed).toBeLessThan(0.2);
  expect(after.entailed).toBeGreaterThan(before.entailed + 0.2);
  expect(after.tokens).toBeLessThan(before.tokens);
  for (const tree of [start, params]) disposeTree(tree);
}, 120_000);

test('the best of N samples is true as often as the draws make likely', async () => {
  await useBackend('auto');
  const params = await readSafetensors(summariser);
  const articles = heldOut(200);
  const texts = articles.map(({ text }) => text);
  const hits: boolean[][] = articles.map(() => []);
  const pool: string[][] = articles.map(() => []);
  for (let i = 0; i < 32; i++) {
    const written = await write(params, texts, { temperature: 1, seed: `smoke ${i}`, signal });
    for (const [k, { text, ended }] of written.entries()) {
      hits[k]?.push(ended && isEntailed(articles[k] as never, text));
      // a summary without an end is none: a word that no summary has makes it false to the judge
      pool[k]?.push(ended ? text : `${text} ${desk.vocabulary[desk.ids.pol]}`);
    }
  }
  disposeTree(params);
  const mean = (of: (row: readonly boolean[]) => number): number => hits.reduce((sum, row) => sum + of(row), 0) / 200;
  const judge = desk.judge(0.03);
  const picked = async (N: number): Promise<number> => {
    const lists = pool.map((some) => some.slice(0, N));
    const picks = await rerank(judge, texts, lists);
    // the judge is the oracle but for its floor: it takes the first true one, and the first where none is
    expect(picks.map(({ index }) => index)).toEqual(hits.map((row) => Math.max(0, row.slice(0, N).findIndex(Boolean))));
    return picks.filter(({ completion }, k) => isEntailed(articles[k] as never, completion)).length / 200;
  };
  const rates: number[] = [];
  for (const N of [1, 2, 4, 8]) rates.push(await picked(N));
  const expected = [1, 2, 4, 8].map((N) => mean((row) => bestOf(row.slice(8), N)));
  for (const [i, rate] of rates.entries()) {
    expect(rate).toBeGreaterThan(rates[i - 1] ?? 0);
    // 200 articles: two standard errors of a share are at most .07, and the expectation is of 24 samples
    expect(Math.abs(rate - (expected[i] as number))).toBeLessThan(0.09);
  }
  // by hand: 2 of 4 samples are true, N = 2: 1 − C(2,2)/C(4,2) = 5/6
  expect(bestOf([true, true, false, false], 2)).toBeCloseTo(5 / 6, 12);
}, 120_000);

// gimbal align on pairs of one's own: what is refused, and a small run to the end.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rng } from '@gimbal/tensor-core';
import { type OwnPair, splitOwnPairs } from '../src/stages/internal/own-pairs.ts';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-pairs-'));
});
afterAll(() => rm(dir, { recursive: true }));

const colours = ['red', 'blue', 'green', 'black'];
const pairs = Array.from({ length: 64 }, (_, i) => {
  const [x, y] = [colours[i % 4], colours[(i + 1 + (i % 3)) % 4]];
  return { question: `say ${x} ${i}`, better: `it is ${x}`, worse: i % 5 ? `it is ${y}` : `it is not ${x} at all` };
});
const columns = ['--preference-columns', 'prompt=question,chosen=better,rejected=worse'];
const file = async (name: string, rows: readonly object[]): Promise<string> => {
  const path = join(dir, name);
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return path;
};
const align = (...argv: string[]) => runMain(['align', ...argv, '--json'], root);

test('a file that cannot be used is refused before a run is made', async () => {
  const refused = async (rows: readonly object[], expected: RegExp, ...argv: string[]): Promise<void> => {
    const out = join(dir, 'refused');
    const found = await align('--preferences', await file('bad.jsonl', rows), ...columns, '--out', out, ...argv);
    expect(found.stderr).toMatch(expected);
    expect(found.code).not.toBe(0);
    expect((await readdir(dir)).includes('refused')).toBe(false);
  };
  await refused(pairs.slice(0, 9), /too few pairs to learn from and to test on; got 9, wanted at least 16/);
  const same = [...pairs.slice(0, 20), { question: 'q', better: 'same', worse: 'same' }];
  await refused(same, /bad.jsonl:21: both answers are the same text/);
  await refused(
    [...pairs.slice(0, 20), { question: 'q', better: '', worse: 'x' }],
    /bad.jsonl:21: the chosen answer is empty/,
  );
  await refused(
    pairs.map(({ worse: _, ...row }) => row),
    /rejected|worse/,
  );
  const unnamed = pairs.map(({ question: ask, better: good, worse: bad }) => ({ ask, good, bad }));
  await refused(unnamed, /bad.jsonl: no row has the column question.*--preference-columns/);
  const bare = await align('--preferences', await file('bare.jsonl', unnamed));
  expect(bare.stderr).toMatch(/bare.jsonl:1: .*Name yours with --preference-columns, for example --preference-columns/);
  await refused(pairs, /learn-entailment: this is no model’s folder/, '--learn-entailment', join(dir, 'nowhere'));
  const none = await align('--learn-entailment', dir);
  expect(none.stderr).toMatch(/the newsroom has a judge of its own/);
  expect((await align(...columns)).stderr).toMatch(/preference-columns: names columns of a file, but there is none/);
  expect((await align('--preferences', dir)).stderr).toMatch(/this is a folder/);
});

test('no two parts share a prompt', () => {
  const many: OwnPair[] = Array.from({ length: 300 }, (_, i) => ({
    prompt: `p${i % 100}`,
    chosen: `a${i}`,
    rejected: 'b',
  }));
  const parts = splitOwnPairs(many, rng(0));
  const sets = Object.values(parts).map((rows) => new Set((rows as OwnPair[]).map(({ prompt }) => prompt)));
  expect(sets.reduce((sum, set) => sum + set.size, 0)).toBe(100);
  const sizes = Object.fromEntries(Object.entries(parts).map(([name, rows]) => [name, (rows as OwnPair[]).length]));
  expect(sizes).toEqual({ test: 30, selection: 30, control: 60, train: 180 });
  // all of one prompt: the pairs are dealt
  const one = splitOwnPairs(
    many.map((pair) => ({ ...pair, prompt: 'p' })),
    rng(0),
  );
  expect(Object.values(one).every((rows) => (rows as OwnPair[]).length > 0)).toBe(true);
});

test('reward models, their average and the model that learns from each, to the report', async () => {
  const data = await file('pairs.jsonl', pairs);
  const short = ['--size', 'tiny', '--pretrain-steps', '30', '--fine-tune-steps', '60', '--no-distil'];
  const few = ['--reward-models', '2', '--reward-steps', '10', '--learn-steps', '4', '--learn-batch-size', '8'];
  const out = join(dir, 'run');
  const { code, stdout, stderr } = await align('--preferences', data, ...columns, ...short, ...few, '--out', out);
  if (code !== 0) throw new Error(stderr);
  const { stages } = JSON.parse(stdout) as { stages: Record<string, { value: Record<string, unknown> }> };
  expect(stages.data?.value.pairs).toMatchObject({ test: 6, selection: 6, control: 13, train: 39 });
  expect(stages.preferences?.value).toBeNull();
  const rewards = stages['reward-models']?.value as { slices: { name: string; average: { n: number } }[]; own: object };
  expect(rewards.slices.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['held-out pairs', 'of them, the better answer is no longer', 'training pairs']),
  );
  expect(rewards.slices[0]?.average.n).toBe(6);
  expect(rewards.own).toMatchObject({ pairs: 39, controlPairs: 13 });
  const runs = stages['rl-rewards']?.value.runs as { name: string; curve: Record<string, number>[] }[];
  expect(runs.map(({ name, curve }) => [name, curve.length])).toEqual([
    ['one reward model', 4],
    ['their average', 4],
  ]);
  // before the first update the same answers are drawn against each reward, and the control sees the same
  expect(runs[0]?.curve[0]?.control).toBe(runs[1]?.curve[0]?.control);
  expect(runs[0]?.curve[0]?.proxy).not.toBe(runs[1]?.curve[0]?.proxy);
  const page = await readFile(join(out, 'report.html'), 'utf8');
  for (const title of ['Learning from your pairs', 'Control over KL', 'Win rates by the control', 'Reward models'])
    expect(page).toContain(title);
  expect(page).not.toMatch(/NaN|undefined/);
}, 180_000);

// gimbal warm of each kind, on a small model of our own.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer } from '@gimbal/language-models';
import { loadReward, type RewardModel, rewardFn } from '@gimbal/reward-models';
import { disposeTree, flatten } from '@gimbal/tensor-core';
import { finishedRuns } from '../src/warm/finished-runs.ts';
import { gimbal, pairsIn, rewardFolder, run } from './reward-folder.ts';

let dir: string;
beforeAll(async () => {
  dir = await rewardFolder();
});
afterAll(() => rm(dir, { recursive: true }));
const pairs = (): string[] => pairsIn(dir);

test('members are trained, ranked and averaged, in one process or in several', async () => {
  const averages: Buffer[] = [];
  for (const workers of ['1', '2']) {
    const out = join(dir, `warm-${workers}`);
    const few = ['--runs', '3', '--members', '2', '--steps', '4', '--threads', '1', '--workers', workers];
    const { stdout, stderr } = await run('warm', ...pairs(), ...few, '--out', out);
    expect((JSON.parse(stdout) as { members: unknown[] }).members).toHaveLength(2);
    expect(stderr).toContain('averaged with uniform weights 1/2'); // which weights, as cases.md asks
    expect((await readdir(join(out, 'warm', 'members'))).sort()).toEqual(['run-0', 'run-1', 'run-2']);
    expect(await readdir(join(out, 'warm', 'model'))).toContain('warm.json');
    averages.push(await readFile(join(out, 'warm', 'model', 'model.safetensors')));
    // the page shows how each run learnt, whether it is a member or not, and in whatever process
    const page = await readFile(join(out, 'report.html'), 'utf8');
    for (const title of ['Run 1', 'Run 2', 'Run 3', 'Loss', 'in training']) expect(page).toContain(title);
    expect(page.match(/Over updates\./g)).toHaveLength(3);
  }
  expect(averages[0]?.equals(averages[1] as Buffer)).toBe(true);
  const broken = ['--runs', '2', '--steps', '2', '--workers', '2', '--overflow', 'error'];
  const long = join(dir, 'long.jsonl');
  const rows = Array.from({ length: 12 }, (_, i) => ({ question: `a ${i}`, chosen: 'b '.repeat(5000), rejected: 'c' }));
  await writeFile(long, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const argv = ['--model', join(dir, 'base'), '--data', long, '--columns', 'prompt=question'];
  const bad = await run('warm', ...argv, ...broken, '--out', join(dir, 'warm-bad'));
  // before any process is started
  expect([bad.code, bad.stderr]).toEqual([2, expect.stringMatching(/long\.jsonl:\d+: prompt and answer are longer/)]);
}, 120_000);

test('pairs longer than the model are left out and counted before anything is trained; a policy’s get no reward', async () => {
  const rows = Array.from({ length: 24 }, (_, i) => ({
    prompt: `say red ${i}`,
    chosen: i % 3 === 0 ? ' red'.repeat(40) : ' red',
    rejected: ' blue',
  }));
  const data = join(dir, 'some-long.jsonl');
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const few = ['--runs', '2', '--steps', '1', '--threads', '1', '--workers', '1', '--held-out', '6'];
  const out = join(dir, 'warm-long');
  const argv = ['--model', join(dir, 'base'), '--data', data];
  const { code, stderr } = await run('warm', ...argv, ...few, '--out', out);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/of 12 training pairs are longer than 32 tokens and left out/),
  ]);
  expect(stderr).toMatch(
    /of 6 (selection|held-out) rows are longer than 32 tokens and left out: \S+some-long\.jsonl:\d+/,
  );

  const { model, params, tokenizer } = await loadReward(join(out, 'warm', 'model'));
  const texts = [' red'.repeat(40), ' red'];
  const seen: number[] = [];
  const asked = { tooLong: 'abstain' as const, onTooLong: (tokens: number) => seen.push(tokens) };
  const score = rewardFn(model as RewardModel, params, tokenizer as Tokenizer, asked);
  expect(await score(['say red', 'say red'], texts)).toEqual([null, expect.any(Number)]);
  expect(seen).toEqual([expect.any(Number)]);
  const strict = rewardFn(model as RewardModel, params, tokenizer as Tokenizer);
  await expect(strict(['say red', 'say red'], texts)).rejects.toThrow(/longer than the model/);
  disposeTree(params);
  // the head is what is trained: that it is new is nothing to warn of
  expect(stderr).not.toMatch(/not trained yet/);

  // an untrained policy writes bytes that are no text, which take three tokens each when they are read again
  const short = ['--steps', '2', '--batch-size', '8', '--max-new-tokens', '20', '--held-out', '4'];
  const learnt = await run(
    'rl',
    ...argv,
    ...short,
    '--reward',
    join(out, 'warm', 'model'),
    '--out',
    join(dir, 'rl-long'),
  );
  expect([learnt.code, learnt.stderr]).toEqual([0, expect.stringMatching(/completions? got no reward: .*it reads 32/)]);
  expect(JSON.parse(learnt.stdout).tooLong).toBeGreaterThan(0);
  expect(await readFile(join(dir, 'rl-long', 'report.html'), 'utf8')).toContain('without a reward');
}, 60_000);

test('judges and preference models are averaged too; wrong labels that were learnt are counted', async () => {
  const nli = (await readFile(join(dir, 'nli.jsonl'), 'utf8')).trim().split('\n');
  await writeFile(join(dir, 'nli-train.jsonl'), nli.slice(0, 40).join('\n'));
  await writeFile(join(dir, 'nli-test.jsonl'), nli.slice(40).join('\n'));
  const short = ['--runs', '2', '--steps', '3', '--threads', '1', '--workers', '1', '--swap', '0.25'];
  const judges = ['--kind', 'entailment', '--labels', 'entailment,contradiction', '--model', join(dir, 'encoder')];
  const rows = ['--data', join(dir, 'nli-train.jsonl'), '--test'];
  const out = join(dir, 'warm-judges');
  const found = await gimbal('warm', ...judges, ...rows, join(dir, 'nli-test.jsonl'), ...short, '--out', out);
  expect(found).toMatchObject({ kind: 'entailment', accuracy: { n: 20 }, ensemble: { n: 20 } });
  expect((found.line as { lambda: number }[]).map(({ lambda }) => lambda)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect((found.learnt as { name: string }[]).map(({ name }) => name)).toEqual(['wrong labels', 'right labels']);
  const config = JSON.parse(await readFile(join(out, 'warm', 'model', 'config.json'), 'utf8'));
  expect(Object.values(config.id2label)).toEqual(['entailment', 'contradiction']);
  const page = await readFile(join(out, 'report.html'), 'utf8');
  for (const title of ['The average of 2 judges', 'Linear mode connectivity', 'Learnt by heart'])
    expect(page).toContain(title);
  expect(page).not.toMatch(/NaN|undefined/);
  const shared = await run(
    'warm',
    ...judges,
    ...rows,
    join(dir, 'nli-train.jsonl'),
    ...short,
    '--out',
    join(dir, 'no'),
  );
  expect(shared.stderr).toMatch(/nli-train.jsonl:1: this row of --test is in --data too/);

  // half a dozen of an untrained model's rows: what it says of itself
  const sliced = await run('warm', ...pairs(), ...short, '--slice', 'source', '--out', join(dir, 'warm-slices'));
  const { accuracy, slices } = JSON.parse(sliced.stdout) as { accuracy: { n: number }; slices: object };
  const parts = Object.values(slices as { [name: string]: { n: number } }).map(({ n }) => n);
  expect(Object.keys(slices).every((name) => /^source (odd|even)$/.test(name))).toBe(true);
  expect(parts.reduce((a, b) => a + b, 0)).toBe(accuracy.n);
  // going on: members that are done count
  await rm(join(dir, 'warm-slices', 'warm', 'members', 'run-1', 'member.json'));
  expect(finishedRuns(join(dir, 'warm-slices', 'warm'), 2)).toEqual([0]);
  const none = await run('warm', ...pairs(), ...short, '--slice', 'colour', '--out', join(dir, 'no'));
  expect(none.stderr).toMatch(/gimbal warm --slice: no row has this column; got "colour"/);

  const form = ['--kind', 'pairwise', '--form', 'skew-symmetric'];
  const game = await gimbal('warm', ...pairs(), ...form, ...short, '--out', join(dir, 'warm-game'));
  expect(game).toMatchObject({ kind: 'pairwise', members: [{}, {}] });
}, 120_000);

test('members of gimbal warm train adapters, smooth labels and hold scores near 0 as gimbal reward does', async () => {
  const out = join(dir, 'warm-lora');
  const few = ['--runs', '2', '--steps', '2', '--threads', '1', '--workers', '1', '--out', out];
  const options = ['--lora', '2', '--label-smoothing', '0.1', '--center-coef', '0.01'];
  const found = await gimbal('warm', ...pairs(), ...few, ...options);
  expect(found.members).toHaveLength(2);
  const { config } = JSON.parse(await readFile(join(out, 'warm', 'members', 'run-0', 'member.json'), 'utf8'));
  expect(config).toMatchObject({ lora: { rank: 2 }, labelSmoothing: 0.1, centerCoef: 0.01 });
  // adapters are worked in: the average is a plain model
  const { params } = await loadReward(join(out, 'warm', 'model'));
  expect(flatten(params).filter(([path]) => path.includes('lora'))).toEqual([]);
  disposeTree(params);
}, 60_000);

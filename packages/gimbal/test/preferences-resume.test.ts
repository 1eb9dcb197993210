// gimbal dpo and gimbal nash-md going on with runs that were finished, and with inputs that changed.
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import type { RunConfig } from '../src/run/run-folder.ts';
import { runMain } from './run-main.ts';
import { lines, tinyColumns, writeTinyPairs } from './tiny-pairs.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-preferences-'));
  await useBackend('auto');
  await writeTinyPairs(dir);
});
afterAll(() => rm(dir, { recursive: true }));

const gimbal = async (...argv: string[]): Promise<{ json: Record<string, unknown>; stderr: string }> => {
  const { code, stdout, stderr } = await runMain([...argv, '--json'], root);
  if (code !== 0) throw new Error(stderr);
  return { json: JSON.parse(stdout) as Record<string, unknown>, stderr };
};
const small = ['--lora', '0', '--batch-size', '4'];

test('a finished run of dpo that is resumed says so, and gives the same numbers again', async () => {
  const out = join(dir, 'dpo');
  const data = ['--data', join(dir, 'pairs.jsonl'), '--columns', tinyColumns];
  const first = await gimbal('dpo', '--model', join(dir, 'base'), ...data, ...small, '--steps', '3', '--out', out);
  expect(first.json.heldOutLoss).toBeGreaterThan(0);
  expect(first.stderr).not.toContain('done already');
  const page = await readFile(join(out, 'report.html'), 'utf8');
  const again = await gimbal('dpo', '--resume', '--out', out);
  expect(again.json).toEqual(first.json);
  expect(again.stderr).toContain('this run’s 3 updates were done already');
  // but for the seconds and the moment the page is the same
  const shown = (html: string): unknown => /better of two held-out answers.*?<\/p>/s.exec(html)?.[0];
  expect(shown(await readFile(join(out, 'report.html'), 'utf8'))).toBe(shown(page));
});

test('a run does not go on with other rows or another judge; one of before it had hashes does', async () => {
  const out = join(dir, 'nash');
  const [data, judge] = [join(dir, 'own.jsonl'), join(dir, 'own.mjs')];
  const rows = Array.from({ length: 6 }, (_, i) => ({ prompt: `${i} is` }));
  await writeFile(data, lines(rows));
  await writeFile(judge, await readFile(join(dir, 'judge.mjs')));
  const from = ['nash-md', '--model', join(dir, 'base'), '--data', data, '--preference', judge];
  const short = ['--steps', '1', '--max-new-tokens', '2', '--comparisons', '4'];
  const first = await gimbal(...from, ...small, ...short, '--out', out);
  const config = join(out, 'config.json');
  const saved = JSON.parse(await readFile(config, 'utf8')) as RunConfig;
  expect(Object.keys(saved.inputs ?? {})).toEqual([data, judge]);
  const resume = ['nash-md', '--resume', '--out', out];
  const again = await gimbal(...resume);
  expect(again.json).toEqual(first.json);
  expect(again.stderr).toContain('this run’s 1 update was done already');
  // as many rows, of as many letters
  await writeFile(data, lines(rows.map(({ prompt }) => ({ prompt: prompt.replace('is', 'si') }))));
  const refused = await runMain(resume, root);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(
    `gimbal nash-md --resume: ${data} (--data) has changed since the run in ${out} began`,
  );
  await writeFile(data, lines(rows));
  await appendFile(judge, '// kinder\n');
  expect((await runMain(resume, root)).stderr).toContain(`${judge} (--preference) has changed`);
  const { inputs: _, ...old } = saved;
  await writeFile(config, JSON.stringify(old));
  expect((await gimbal(...resume)).json.steps).toBe(1);
});

describe('more steps', () => {
  const lossesOf = async (out: string): Promise<unknown[]> =>
    (await readFile(join(out, 'training/metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { step: number; loss: number })
      .map(({ step, loss }) => [step, loss]);
  const from = (): string[] => ['--model', join(dir, 'base'), ...small];

  test('nash-md trains on, at its rate: the same numbers as a run that was longer from the start', async () => {
    const rows = join(dir, 'prompts.jsonl');
    await writeFile(rows, lines(Array.from({ length: 6 }, (_, i) => ({ prompt: `${i} is` }))));
    const asked = ['nash-md', ...from(), '--data', rows, '--preference', join(dir, 'judge.mjs')];
    const short = ['--max-new-tokens', '2', '--comparisons', '4'];
    const [whole, parts] = [join(dir, 'whole'), join(dir, 'parts')];
    const first = await gimbal(...asked, ...short, '--steps', '4', '--out', whole);
    await gimbal(...asked, ...short, '--steps', '2', '--out', parts);
    const { json, stderr } = await gimbal('nash-md', '--resume', '--steps', '4', '--out', parts);
    expect(stderr).toMatch(/is trained on, to 4 steps in all\. The learning rate is the same/);
    expect(json).toMatchObject({ steps: 4, winRateAgainstStart: first.json.winRateAgainstStart });
    expect(await lossesOf(parts)).toEqual(await lossesOf(whole));
    const fewer = await runMain(['nash-md', '--resume', '--steps', '3', '--out', parts], root);
    expect([fewer.code, fewer.stderr]).toEqual([2, expect.stringContaining('give more to train on')]);
  });

  test('reward trains on, under the cosine of a longer run; warm does not, whose members have left their optimiser', async () => {
    const asked = [...from(), '--data', join(dir, 'pairs.jsonl'), '--columns', tinyColumns, '--held-out', '8'];
    const out = join(dir, 'reward');
    await gimbal('reward', ...asked, '--steps', '3', '--out', out);
    const { json, stderr } = await gimbal('reward', '--resume', '--steps', '6', '--out', out);
    expect(stderr).toMatch(/is trained on, to 6 steps in all\. The learning rate is now that of a run of so many/);
    expect(json.steps).toBe(6);
    expect(await lossesOf(out)).toHaveLength(6);
    const soup = join(dir, 'soup');
    await gimbal('warm', ...asked, '--steps', '1', '--runs', '2', '--workers', '1', '--out', soup);
    const longer = await runMain(['warm', '--resume', '--steps', '2', '--out', soup], root);
    expect([longer.code, longer.stderr]).toEqual([2, expect.stringMatching(/--steps differs.*without --resume/)]);
  });
});

// Options of gimbal dpo and gimbal nash-md that would have no effect, names of other libraries, and a judge that fails.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMetrics, useBackend } from '@gimbal/tensor-core';
import { type Printed, runMain } from './run-main.ts';
import { lines, tinyColumns, writeTinyPairs } from './tiny-pairs.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-options-'));
  await useBackend('auto');
  await writeTinyPairs(dir);
});
afterAll(() => rm(dir, { recursive: true }));

const dpo = (...argv: string[]): Promise<Printed> =>
  runMain(['dpo', '--model', join(dir, 'base'), '--data', join(dir, 'pairs.jsonl'), ...argv], root);
const nashMd = (...argv: string[]): Promise<Printed> => {
  const from = ['--data', join(dir, 'pairs.jsonl'), '--columns', 'prompt=question'];
  const judge = argv.includes('--preference') ? [] : ['--preference', join(dir, 'judge.mjs')];
  return runMain(['nash-md', '--model', join(dir, 'base'), ...from, ...judge, ...argv], root);
};

test.each([
  ['--objective nash-mp --kl-estimator analytic', '--kl-estimator: nash-mp has two divergences'],
  ['--objective sppo --kl-coef 0.5', '--kl-coef: --objective sppo has no such option'],
  ['--objective dno --kl-coef 0.5', '--kl-coef: --objective dno has no such option'],
  ['--objective inpo --tournament', '--tournament: --objective inpo has no such option'],
  ['--objective online-dpo --dpo-loss robust', '--dpo-loss: unknown value; got "robust"'],
  ['--objective online-ipo --deploy mixture', '--deploy: the mixture has no weight on the reference'],
  ['--mixture-coef 0 --deploy mixture', '--deploy: the mixture has no weight on the reference'],
  ['--articles 5', '--articles: the prompts are those of --data'],
  ['--world mini', '--world: neither prompts nor preference are of a newsroom'],
  ['--objective dpo', 'Did you mean gimbal dpo, which learns from pairs that you have, or online-dpo?'],
  ['--beta 0.1', 'unknown option --beta. Did you mean --kl-coef?'],
])('nash-md %s is refused, and leaves no folder', async (flags, said) => {
  const out = join(dir, 'refused');
  const { code, stderr } = await nashMd(...flags.split(' '), '--out', out);
  expect(code).toBe(2);
  expect(stderr).toContain(said);
  expect(await readdir(dir)).not.toContain('refused');
});

test.each([
  ['--loss dpo', 'Did you mean sigmoid?'],
  ['--loss slic', 'Did you mean hinge?'],
  ['--loss sigmod', 'Did you mean sigmoid?'],
  ['--loss robust', 'gimbal dpo --loss: robust without flipped labels is sigmoid'],
  ['--beta 0.1', 'Did you mean --kl-coef?'],
  ['--max-length 25', 'gimbal dpo --max-length: longer than the context of the model; got 25, wanted at most 24'],
])('dpo %s is refused with what is meant', async (flags, said) => {
  const { code, stderr } = await dpo('--columns', tinyColumns, ...flags.split(' '), '--out', join(dir, 'refused'));
  expect(code).toBe(2);
  expect(stderr).toContain(said);
});

test('a config file with a name of another library is told ours', async () => {
  await writeFile(join(dir, 'trl.yaml'), 'beta: 0.1\n');
  expect((await dpo('--config', join(dir, 'trl.yaml'))).stderr).toContain('unknown option beta. Did you mean klCoef?');
});

test('bf16 is refused before the model is opened, where there is none', async () => {
  for (const command of ['dpo', 'nash-md', 'sft']) {
    const judge = command === 'nash-md' ? ['--preference', join(dir, 'judge.mjs')] : [];
    const from = ['--model', join(dir, 'none'), '--data', join(dir, 'pairs.jsonl'), ...judge];
    const on = ['--backend', 'cpu', '--precision', 'bf16', '--out', join(dir, 'refused')];
    expect((await runMain([command, ...from, ...on], root)).stderr).toContain(
      `gimbal ${command} --precision: the backend cpu has no bf16 products on this machine`,
    );
  }
  await useBackend('auto');
});

test('dpo leaves out pairs with equal completions, and says what a single pair is worth', async () => {
  const pair = { prompt: '1 is', chosen: 'odd', rejected: 'even' };
  await writeFile(join(dir, 'equal.jsonl'), lines([{ ...pair, rejected: 'odd' }, pair]));
  const out = join(dir, 'single');
  const argv = ['--data', join(dir, 'equal.jsonl'), '--steps', '1', '--lora', '0', '--out', out, '--json'];
  const { stdout, stderr } = await runMain(['dpo', '--model', join(dir, 'base'), ...argv], root);
  expect(stderr).toMatch(/1 pair with equal completions left out: .*equal\.jsonl:1/);
  expect(stderr).toContain('warning: the only pair is learned from and measured on');
  expect(JSON.parse(stdout)).toMatchObject({ equal: 1, tooLong: 0, steps: 1 });
});

test('coefficients of parts of the run: each update has its own', async () => {
  const out = join(dir, 'parts');
  const few = ['--steps', '4', '--batch-size', '2', '--max-new-tokens', '2', '--comparisons', '4', '--lora', '0'];
  const { code, stderr } = await nashMd(...few, '--kl-coef', '0.4,0.2', '--mixture-coef', '0,1', '--out', out);
  expect([code, stderr]).toEqual([0, expect.stringContaining('4 comparisons')]);
  const rows = await readMetrics(join(out, 'training'));
  expect(rows.map(({ klCoef, mixtureCoef }) => [klCoef, mixtureCoef])).toEqual([
    [0.4, 0],
    [0.4, 0],
    [0.2, 1],
    [0.2, 1],
  ]);
  const game = await runMain(['nash-md', '--game', 'cyclic', '--kl-coef', '0.4,0.2'], root);
  expect(game.stderr).toContain('gimbal nash-md --kl-coef: a game has one; got [0.4,0.2], wanted one number');
  const pairs = await dpo('--columns', tinyColumns, '--kl-coef', '0.1,0', '--out', join(dir, 'refused'));
  expect(pairs.stderr).toContain('gimbal dpo --kl-coef: no value this option takes; got "0.1,0"');
});

test('a judge that fails for good ends with the command that goes on, and the exit code of a failure', async () => {
  const judge = join(dir, 'failing.mjs');
  const counts =
    'let calls = 0; export default (p, a) => { if (++calls > 2) throw new Error("away"); return a.map(() => .5); };';
  await writeFile(judge, counts);
  const out = join(dir, 'failing');
  const few = ['--steps', '4', '--orders', 'one', '--max-new-tokens', '2', '--retries', '0', '--lora', '0'];
  const { code, stderr } = await nashMd('--preference', judge, ...few, '--out', out);
  expect(code).toBe(1);
  expect(stderr).toContain('gimbal nash-md --preference: the function threw at each of 1 tries: away');
  expect(stderr).toContain(`When it answers again, go on with: npx gimbal nash-md --out ${out} --resume`);
});

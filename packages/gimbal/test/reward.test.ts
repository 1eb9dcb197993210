// gimbal reward of each kind, on a small model of our own, and what its models are good for.
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tokenizer } from '@gimbal/language-models';
import { loadReward, type RewardModel, rewardFn } from '@gimbal/reward-models';
import { disposeTree } from '@gimbal/tensor-core';
import { gimbal, pairsIn, rewardFolder, run } from './reward-folder.ts';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  dir = await rewardFolder();
});
afterAll(() => rm(dir, { recursive: true }));
const pairs = (): string[] => pairsIn(dir);

test('a reward model is trained, measured by slice, calibrated and saved', async () => {
  const out = join(dir, 'reward');
  const found = await gimbal(
    'reward',
    ...pairs(),
    '--steps',
    '12',
    '--slice',
    'source',
    '--held-out',
    '12',
    '--out',
    out,
  );
  const accuracy = found.accuracy as Record<string, { n: number }>;
  expect(Object.keys(accuracy).sort()).toEqual(['all', 'source even', 'source odd']);
  expect(accuracy.all?.n).toBe(12);
  expect(found.calibration).toMatchObject({ temperature: expect.any(Number) });
  expect((await readdir(join(out, 'model'))).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'reward.json',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  // the same model on all rows, slice by slice, beside its scores one by one
  const evaluated = await gimbal('eval', '--model', out, ...pairs().slice(2), '--slice', 'source');
  const { model, params, tokenizer } = await loadReward(join(out, 'model'));
  const score = rewardFn(model as RewardModel, params, tokenizer as Tokenizer);
  const lines = (await readFile(join(dir, 'pairs.jsonl'), 'utf8')).trim().split('\n');
  const worth = { all: 0, 'source even': 0, 'source odd': 0 };
  for (const line of lines) {
    const { question, better, worse, source } = JSON.parse(line);
    const [a, b] = (await score([question, question], [better, worse])) as [number, number];
    const right = a > b ? 1 : a === b ? 0.5 : 0;
    worth.all += right;
    worth[`source ${source}` as 'source even'] += right;
  }
  disposeTree(params);
  expect(evaluated).toMatchObject({ kind: 'bradley-terry', tooLong: 0 });
  const shares = evaluated.accuracy as Record<string, { value: number; n: number }>;
  expect(Object.keys(shares).sort()).toEqual(Object.keys(worth).sort());
  for (const [name, sum] of Object.entries(worth))
    expect(shares[name]?.value).toBeCloseTo(sum / (name === 'all' ? 60 : 30), 12);
  const refused = async (...argv: string[]) => (await run('eval', '--model', out, ...pairs().slice(2), ...argv)).stderr;
  expect(await refused('--slice', 'colour')).toMatch(/--slice: no row has this column; got "colour", wanted .*source/);
  expect(await refused('--metrics', 'loss')).toMatch(/--metrics: the model is a reward model or a judge/);
  // rows of one content, their sides turned, fall on both sides of the split
  const turned = lines
    .map((line) => JSON.parse(line))
    .flatMap((row) => [row, { ...row, better: row.worse, worse: row.better }]);
  const twice = join(dir, 'twice.jsonl');
  await writeFile(twice, turned.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const some = [
    '--data',
    twice,
    ...['--columns', 'prompt=question,chosen=better,rejected=worse'],
    '--steps',
    '1',
    '--held-out',
    '12',
    '--out',
    join(dir, 'twice'),
  ];
  const told = await run('reward', '--model', join(dir, 'base'), ...some);
  expect(told.stderr).toMatch(/warning: \d+ of 12 held-out rows are among the others too, as \S+twice\.jsonl:\d+/);
  const column = await run('reward', ...pairs(), '--slice', 'colour', '--out', join(dir, 'no-column'));
  expect(column.stderr).toMatch(/gimbal reward --slice: no row has this column; got "colour"/);
  // it is refused to be written over, and going on with what is done changes nothing
  expect((await run('reward', ...pairs(), '--out', out)).code).not.toBe(0);
});

test('labels that are false are labels that are 0, in calibration and accuracy, and so are those of a .csv', async () => {
  const lines = (await readFile(join(dir, 'pairs.jsonl'), 'utf8')).trim().split('\n').slice(0, 30);
  const rows = lines.map((line) => JSON.parse(line) as { question: string; better: string; worse: string });
  const found: unknown[] = [];
  for (const [name, label] of [
    ['zero.jsonl', 0],
    ['false.jsonl', false],
    ['zero.csv', 0],
  ] as const) {
    const texts = name.endsWith('.csv')
      ? ['prompt,chosen,rejected,label', ...rows.map((r) => [r.question, r.worse, r.better, label].join(','))]
      : rows.map((r) => JSON.stringify({ prompt: r.question, chosen: r.worse, rejected: r.better, label }));
    await writeFile(join(dir, name), texts.join('\n'));
    const argv = ['--model', join(dir, 'base'), '--data', join(dir, name), '--steps', '3', '--held-out', '6'];
    const out = await run('reward', ...argv, '--out', join(dir, `run-${name}`));
    const { accuracy, calibration } = JSON.parse(out.stdout) as Record<string, unknown>;
    found.push({ accuracy, calibration });
  }
  expect(found[1]).toEqual(found[0]);
  expect(found[2]).toEqual(found[0]);
}, 60_000);

test('a preference model, of either form, says what it is', async () => {
  for (const form of ['antisymmetric', 'skew-symmetric']) {
    const out = join(dir, form);
    await gimbal('reward', '--kind', 'pairwise', '--form', form, ...pairs(), '--steps', '4', '--out', out);
    expect(JSON.parse(await readFile(join(out, 'model', 'reward.json'), 'utf8'))).toMatchObject({
      kind: 'pairwise',
      form,
    });
  }
});

test('a judge is trained on labelled pairs', async () => {
  const data = ['--model', join(dir, 'encoder'), '--data', join(dir, 'nli.jsonl')];
  const out = join(dir, 'judge');
  const found = await gimbal('reward', '--kind', 'entailment', ...data, '--steps', '4', '--out', out);
  expect(found.accuracy).toMatchObject({ all: { n: 6 } });
  const config = JSON.parse(await readFile(join(out, 'model', 'config.json'), 'utf8'));
  expect(Object.values(config.id2label)).toEqual(['entailment', 'neutral', 'contradiction']);
  const all = await gimbal('eval', '--model', out, '--data', join(dir, 'nli.jsonl'), '--slice', 'label');
  expect(all).toMatchObject({
    kind: 'labels',
    accuracy: { all: { n: 60 }, 'label entailment': { n: 30 }, 'label contradiction': { n: 30 } },
  });
  const bad = await run('reward', '--kind', 'entailment', ...data, '--labels', 'yes,no', '--out', join(dir, 'bad'));
  expect(bad.stderr).toMatch(/none of the classes.*one is entailment/);
  for (const command of ['reward', 'warm']) {
    const decoder = ['--model', join(dir, 'base'), '--data', join(dir, 'nli.jsonl'), '--out', join(dir, 'bad')];
    expect((await run(command, '--kind', 'entailment', ...decoder)).stderr).toMatch(
      /--model: its tokenizer does not say how two texts are joined.*wanted an encoder/,
    );
  }
});

test('what cannot be is said before work starts', async () => {
  const refused: [string, string, string, string, RegExp][] = [
    ['reward', 'bradley-terry', '--form', 'skew-symmetric', /gimbal reward --form: a bradley-terry model has none/],
    ['warm', 'bradley-terry', '--form', 'skew-symmetric', /gimbal warm --form: a bradley-terry model has none/],
    ['reward', 'pairwise', '--center-coef', '0.1', /gimbal reward --center-coef: a pairwise model has none/],
    ['warm', 'entailment', '--lora', '2', /gimbal warm --lora: a judge has none/],
    ['reward', 'entailment', '--overflow', 'error', /gimbal reward --overflow: a judge has none/],
  ];
  for (const [command, kind, flag, value, message] of refused) {
    const { code, stderr } = await run(command, '--kind', kind, ...pairs(), flag, value, '--out', join(dir, 'x'));
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  }
  const kind = await run(
    'reward',
    '--model',
    join(dir, 'base'),
    '--data',
    join(dir, 'nli.jsonl'),
    '--out',
    join(dir, 'y'),
  );
  expect(kind.stderr).toMatch(/hold no pair of answers.*Did you mean --kind entailment\?/);
});

interface Picked {
  prompt: string;
  completion: string;
  reward: number;
  candidates: { completion: string; reward: number }[];
}

test('what was trained is a reward for gimbal rl and for the best of several samples, alone or with others', async () => {
  const rewards = `${join(dir, 'reward', 'model')}=0.5,entailment:${join(dir, 'judge', 'model')}`;
  const answers = join(dir, 'answers.jsonl');
  await writeFile(
    answers,
    [1, 2, 3].map((i) => `${JSON.stringify({ prompt: `say red ${i}`, completion: ' red' })}\n`).join(''),
  );
  const metrics = ['--metrics', 'entailment,length,coverage,density', '--max-new-tokens', '3'];
  const model = ['--model', join(dir, 'base'), '--data', answers];
  const measured = await gimbal('eval', ...model, ...metrics, '--judge', join(dir, 'judge', 'model'));
  expect(Object.keys(measured.scores as object)).toEqual(
    expect.arrayContaining(['entailed', 'words', 'coverage', 'density']),
  );
  expect((await run('eval', ...model, ...metrics)).stderr).toMatch(/entailment needs a judge/);
  const rl = ['rl', '--model', join(dir, 'base'), '--data', join(dir, 'pairs.jsonl'), '--columns', 'prompt=question'];
  const short = ['--steps', '2', '--batch-size', '4', '--max-new-tokens', '4', '--held-out', '4'];
  const found = await gimbal(...rl, ...short, '--reward', rewards, '--out', join(dir, 'rl'));
  expect(found.steps).toBe(2);
  // the best of four samples of each prompt
  const best = ['generate', '--model', join(dir, 'base'), '--max-new-tokens', '3', '--best-of', '4', '--reward'];
  const asked = ['--prompt', 'say red 1'];
  const byModel = (await gimbal(...best, rewards, ...asked)) as unknown as { completions: Picked[] };
  const [pick] = byModel.completions as [Picked];
  expect(byModel.completions).toHaveLength(1);
  expect(pick.candidates).toHaveLength(4);
  expect(pick.reward).toBe(Math.max(...pick.candidates.map((c) => c.reward)));
  expect(pick.candidates.find((c) => c.reward === pick.reward)?.completion).toBe(pick.completion);
  // the longest and not the likeliest, where that is what is wanted; of a file, in its order
  await writeFile(join(dir, 'long.mjs'), 'export default (_, texts) => texts.map((t) => t.length);\n');
  await writeFile(join(dir, 'prompts.txt'), 'say red 1\nsay blue 2\n');
  const some = ['--data', join(dir, 'prompts.txt'), '--out', join(dir, 'best.jsonl')];
  const long = await run(...best, `${join(dir, 'long.mjs')}=-1`, ...some);
  expect(long.stderr).toMatch(/best of 4: reward -.*KL to the model at most 0.636 nats/);
  const lines = (await readFile(join(dir, 'best.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l) as Picked);
  expect(lines.map(({ prompt }) => prompt)).toEqual(['say red 1', 'say blue 2']);
  for (const { completion, candidates } of lines)
    expect(completion.length).toBe(Math.min(...candidates.map((c) => c.completion.length)));
  const plain = await runMain([...best, join(dir, 'long.mjs'), ...asked], root);
  expect(plain.stdout.trim().length).toBeGreaterThan(0);
  for (const [argv, message] of [
    [[...best, 'exact', ...asked], /a prompt has no answer to compare with/],
    [best.slice(0, -1).concat(asked), /nothing says which sample is best/],
    [[...best, join(dir, 'long.mjs')], /a conversation has one answer/],
    [[...best, join(dir, 'long.mjs'), ...asked, '--temperature', '0'], /greedy samples are all the same/],
    [[...best, join(dir, 'nowhere'), ...asked], /no such reward/],
  ] as [string[], RegExp][]) {
    const refused = await run(...argv);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(message)]);
  }
  const preferring = await run(...best, join(dir, 'antisymmetric', 'model'), ...asked);
  expect(preferring.stderr).toMatch(/this is a preference model/);
  const pairwise = await run(
    ...rl,
    ...short,
    '--reward',
    join(dir, 'antisymmetric', 'model'),
    '--out',
    join(dir, 'rl2'),
  );
  expect(pairwise.stderr).toMatch(/this is a preference model/);
}, 120_000);

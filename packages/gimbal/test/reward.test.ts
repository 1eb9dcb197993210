// gimbal reward of each kind and gimbal warm, on a small model of our own.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  classifier,
  decoder,
  encoderConfig,
  saveClassifier,
  savePretrained,
  Tokenizer,
  trainTokenizer,
} from '@gimbal/language-models';
import { loadReward, type RewardModel, rewardFn } from '@gimbal/reward-models';
import { disposeTree, flatten, rng, useBackend } from '@gimbal/tensor-core';
import { finishedRuns } from '../src/warm/finished-runs.ts';
import { runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
const colours = ['red', 'blue', 'green', 'black'];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-reward-'));
  await useBackend('auto');
  const rows = Array.from({ length: 60 }, (_, i) => {
    const [x, y] = [colours[i % 4], colours[(i + 1 + (i % 3)) % 4]];
    return { question: `say ${x} ${i}`, better: ` ${x}`, worse: ` ${y}`, source: i % 2 ? 'odd' : 'even' };
  });
  await writeFile(join(dir, 'pairs.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const nli = rows.map((row, i) => ({
    premise: row.question,
    hypothesis: i % 2 ? row.better : row.worse,
    label: i % 2 ? 'entailment' : 'contradiction',
  }));
  await writeFile(join(dir, 'nli.jsonl'), nli.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const tokenizer = trainTokenizer(rows.map((row) => `${row.question}${row.better}`));
  const size = { width: 32, layers: 1, heads: 2, contextLength: 32, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  // an encoder's tokenizer has a template for pairs
  const [a, b] = ['A', 'B'].map((id, type_id) => ({ Sequence: { id, type_id } }));
  const special = tokenizer.json.added_tokens[0] as { id: number; content: string };
  const json = {
    ...tokenizer.json,
    post_processor: {
      type: 'TemplateProcessing',
      single: [a, { SpecialToken: { id: special.content, type_id: 0 } }],
      pair: [a, { SpecialToken: { id: special.content, type_id: 0 } }, b],
      special_tokens: { [special.content]: { id: special.content, ids: [special.id], tokens: [special.content] } },
    },
  };
  const encoder = classifier(
    encoderConfig({ vocabularySize: tokenizer.size, width: 32, layers: 1, heads: 2, contextLength: 32 }),
    ['a', 'b'],
  );
  const encoderParams = encoder.init(rng(0));
  await saveClassifier(join(dir, 'encoder'), encoder, encoderParams, {
    tokenizer: new Tokenizer(json as never, tokenizer.config),
  });
  for (const tree of [params, encoderParams]) disposeTree(tree);
});
afterAll(() => rm(dir, { recursive: true }));

const run = (...argv: string[]) => runMain([...argv, '--json'], root);
const gimbal = async (...argv: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await run(...argv);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};
const columns = ['--columns', 'prompt=question,chosen=better,rejected=worse'];
const pairs = (): string[] => ['--model', join(dir, 'base'), '--data', join(dir, 'pairs.jsonl'), ...columns];

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
  const some = ['--data', twice, ...columns, '--steps', '1', '--held-out', '12', '--out', join(dir, 'twice')];
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

// gimbal rl and grpo on a small model of our own: from rewards of three kinds, stopped and gone on with.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TokenPolicyTrainer } from '@gimbal/fma-pg';
import { decoder, loadPretrained, savePretrained, trainTokenizer } from '@gimbal/language-models';
import {
  disposeTree,
  flatten,
  loadRun,
  mapTree,
  type Params,
  readMetrics,
  rng,
  type TokenBatch,
  useBackend,
} from '@gimbal/tensor-core';
import { clone } from '@tensorflow/tfjs-core';
import { exactAnswer } from '../src/rl/reward.ts';
import { parseReward } from '../src/rl/reward-spec.ts';
import { resultOf, runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-rl-'));
  await useBackend('auto');
  const rows = Array.from({ length: 24 }, (_, i) => ({ question: `${i % 6} or ${i % 4} ?`, answer: 'yes' }));
  await writeFile(join(dir, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const tokenizer = trainTokenizer(rows.map((row) => `${row.question}\n${row.answer}`));
  const size = { width: 32, layers: 1, heads: 2, contextLength: 24, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  disposeTree(params);
  // an untrained model writes any byte: the share of letters e is something it can learn to raise
  await writeFile(
    join(dir, 'letters.mjs'),
    'export default (prompts, completions) => completions.map((text) => Math.min(1, text.split("e").length - 1));\n',
  );
  await writeFile(join(dir, 'none.mjs'), 'export const reward = 1;\n');
  await writeFile(join(dir, 'throws.mjs'), 'export default () => { throw new Error("mine"); };\n');
});
afterAll(() => rm(dir, { recursive: true }));

const common = (): string[] => [
  '--model',
  join(dir, 'base'),
  '--data',
  join(dir, 'rows.jsonl'),
  '--columns',
  'prompt=question',
  '--max-new-tokens',
  '6',
];
const small = ['--batch-size', '32', '--learning-rate', '3e-3', '--held-out', '4'];
const gimbal = (...argv: string[]): Promise<Record<string, unknown>> => resultOf(argv, root);
const failure = async (...argv: string[]): Promise<{ code: number; stderr: string }> => runMain(argv, root);

test('grpo raises a reward of the user’s, writes a model and a page', async () => {
  const run = join(dir, 'grpo');
  const reward = ['--reward', join(dir, 'letters.mjs')];
  const result = await gimbal('grpo', ...common(), ...reward, ...small, '--steps', '40', '--out', run);
  const rows = await readMetrics(join(run, 'training'));
  const mean = (from: number, to: number): number =>
    rows.slice(from, to).reduce((sum, row) => sum + (row.reward as number), 0) / (to - from);
  expect(mean(30, 40)).toBeGreaterThan(mean(0, 10) + 0.2);
  expect(rows.at(-1)).toMatchObject({ reward_letters: rows.at(-1)?.reward });
  expect(Object.keys(result)).toEqual(['run', 'report', 'path', 'steps', 'rewardBefore', 'reward']);
  expect(await readdir(join(run, 'model'))).toContain('model.safetensors');
  const page = await readFile(join(run, 'report.html'), 'utf8');
  for (const text of ['How it was made', 'npx gimbal grpo --model', 'klCoef', 'of the preset grpo', '--learning-rate'])
    expect(page).toContain(text);
  expect(page).not.toContain('clamped advantages');
  for (const text of ['grpo on letters', 'KL to the start', 'clipped share', 'What it writes', 'after, reward '])
    expect(page).toContain(text);
}, 60_000);

test('a control reward that falls stops the run, and the page shows where the two parted', async () => {
  await writeFile(
    join(dir, 'control.mjs'),
    'export default (prompts, completions) => completions.map((text) => 1 - Math.min(1, text.split("e").length - 1));\n',
  );
  const run = join(dir, 'watched');
  const watch = ['--monitor', join(dir, 'control.mjs'), '--patience', '2'];
  const argv = ['grpo', ...common(), '--reward', join(dir, 'letters.mjs'), ...small, '--steps', '40', '--out', run];
  const result = await gimbal(...argv, ...watch);
  expect(result.steps).toBeLessThan(40);
  const { best, last, verdict } = result.control as {
    best: { step: number; control: number };
    last: { step: number; control: number };
    verdict: string;
  };
  expect(last.step).toBe((result.steps as number) - 1); // looked at before the last update
  expect(last.control).toBeLessThan(best.control);
  expect(verdict).toMatch(
    new RegExp(`best at step ${best.step}, .*stopped at step ${last.step}: the control reward fell from`),
  );
  const looks = JSON.parse(await readFile(join(run, 'monitor.json'), 'utf8')) as { step: number; control: number }[];
  expect(looks.map(({ step }) => step)).toEqual(Array.from({ length: last.step + 1 }, (_, i) => i));
  // the control is one less the reward: what the monitor saw is what the trainer was paid for
  const rows = await readMetrics(join(run, 'training'));
  for (const [i, { control }] of looks.entries()) expect(control).toBeCloseTo(1 - (rows[i]?.reward as number), 5);
  const page = await readFile(join(run, 'report.html'), 'utf8');
  for (const text of ['Proxy and control', 'control at its best', 'What the monitor said', verdict.slice(0, 40)])
    expect(page).toContain(text);
  // kept are the weights that the best look's completions were drawn with: those that a run of as many steps ends with
  expect(best.step).toBeLessThan(last.step);
  const short = join(dir, 'until-best');
  await gimbal(...argv.slice(0, -3), `${best.step}`, '--out', short);
  const weights = (folder: string): Promise<Buffer> => readFile(join(folder, 'model/model.safetensors'));
  expect((await weights(run)).equals(await weights(short))).toBe(true);
  // what was stopped stays so: the same page and weights once more, no step
  await rm(join(run, 'model'), { recursive: true });
  const again = await gimbal('grpo', '--out', run, '--resume');
  expect([again.steps, again.control, again.reward]).toEqual([result.steps, result.control, result.reward]);
  expect(await readMetrics(join(run, 'training'))).toEqual(rows);
  expect((await weights(run)).equals(await weights(short))).toBe(true);
  const answers = await failure('rl', ...common(), '--reward', 'exact:answer', '--monitor', 'exact:answer');
  expect([answers.code, answers.stderr]).toEqual([
    2,
    expect.stringMatching(/sees prompts and completions, no answers/),
  ]);
  const far = await failure('rl', ...common(), '--reward', 'exact:answer', '--max-kl', '2');
  expect([far.code, far.stderr]).toEqual([2, expect.stringMatching(/nothing watches the run/)]);
  for (const [flag, value] of [
    ['--tolerance', '1'],
    ['--min-length-ratio', '0.5'],
    ['--max-empty-rate', '0.1'],
    ['--look-every', '2'],
  ] as const) {
    const alone = await failure('rl', ...common(), '--reward', 'exact:answer', flag, value);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining(`${flag}: nothing watches the run`)]);
  }
}, 120_000);

test('completions that were cut are masked or lose a penalty; ppo takes a value function of its own', async () => {
  const letters = ['--reward', join(dir, 'letters.mjs')];
  const masked = join(dir, 'masked');
  await gimbal('rl', ...common(), ...letters, ...small, '--steps', '1', '--mask-truncated', '--out', masked);
  const [row] = await readMetrics(join(masked, 'training'));
  expect(row?.unrewarded).toBeCloseTo((row?.missingEosRate as number) + (row?.emptyRate as number), 9);
  expect(row?.missingEosRate).toBeGreaterThan(0);
  const own = join(dir, 'own-trunk');
  await gimbal(
    'rl',
    ...common(),
    ...letters,
    ...small,
    '--preset',
    'ppo',
    '--value-trunk',
    'own',
    '--steps',
    '2',
    '--out',
    own,
  );
  expect((await readMetrics(join(own, 'training')))[1]?.valueLoss).toBeGreaterThan(0);
  for (const [more, message] of [
    [['--mask-truncated', '--missing-eos-penalty', '1'], /what is left out can have no penalty/],
    [['--value-trunk', 'own'], /'rloo' has no value function/],
  ] as const) {
    const { code, stderr } = await failure('rl', ...common(), ...letters, ...more);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  }
}, 60_000);

test('what a preset leaves open can be said; of evaluations the best weights are kept', async () => {
  const letters = ['--reward', join(dir, 'letters.mjs'), ...small];
  const said = join(dir, 'said');
  const how = '--preset reinforce --baseline moving-average --credit sequence --kl-in loss --anchor-rate 0.5';
  const more =
    '--normalize-advantage batch --rollout-log-probs tempered --temperature 0.7 --accumulate 2 --steps 2 --policy-warmup 3 --missing-eos-reward -1';
  await gimbal('rl', ...common(), ...letters, ...`${how} ${more}`.split(' '), '--out', said);
  const { config } = await loadRun(join(said, 'training'));
  expect(config).toMatchObject({
    ...{ baseline: 'moving-average', credit: 'sequence', klIn: 'loss', anchor: { emaRate: 0.5 }, accumulate: 2 },
    ...{ normalizeAdvantage: 'batch', rolloutLogProbs: 'tempered' },
    ...{ policyWarmup: { steps: 3, mode: 'lr' }, missingEos: { reward: -1 } },
  });
  const run = join(dir, 'evaluated');
  const often = ['--eval-every', '1', '--learning-rate', '0.1', '--kl-coef', '0', '--steps', '6'];
  const evaluated = await gimbal('rl', ...common(), ...letters, ...often, '--out', run);
  const rewards = (await readMetrics(join(run, 'training'))).map((row) => row.evalReward as number);
  const best = await loadRun(join(run, 'training'), 'best');
  // of 24 prompts 4 are reported on, and 4 others choose the step
  expect([evaluated.rewardBefore, best.config]).toMatchObject([{ n: 4 }, { prompts: 16 }]);
  expect(best.step).toBe(1 + rewards.indexOf(Math.max(...rewards)));
  const [kept, was] = [await loadPretrained(join(run, 'model')), await best.tree('params')];
  const values = (tree: Params) => Object.fromEntries(flatten(tree).map(([name, t]) => [name, [...t.dataSync()]]));
  expect(values(kept.params)).toEqual(values(was));
  disposeTree(kept.params);
  disposeTree(was);
  const { code, stderr } = await failure(
    'rl',
    ...common(),
    ...letters,
    '--monitor',
    join(dir, 'letters.mjs'),
    '--eval-every',
    '2',
  );
  expect([code, stderr]).toEqual([2, expect.stringMatching(/Give one of --eval-every and --monitor/)]);
}, 60_000);

test('an adapter is trained on the answers of a column; rewards are summed with their weights', async () => {
  const run = join(dir, 'adapter');
  // a bound that no completion of six tokens passes costs nothing, whatever its weight has become
  const reward = ['--reward', `exact:answer,${join(dir, 'letters.mjs')}=0.5,length:..40=0..1@2`];
  const argv = ['rl', ...common(), ...reward, ...small, '--lora', '4', '--steps', '3'];
  await gimbal(...argv, '--out', run);
  expect((await readdir(join(run, 'adapter'))).sort()).toContain('adapter_model.safetensors');
  const [first] = await readMetrics(join(run, 'training'));
  const of = (name: string): number => first?.[name] as number;
  expect(of('reward')).toBeCloseTo(of('reward_exact') + 0.5 * of('reward_letters'), 6);
  // the same completions and update with less memory, and another norm where the surrogate's options say so
  const [recomputed, clipped] = [join(dir, 'recomputed'), join(dir, 'clipped')];
  await gimbal(...argv, '--gradient-checkpointing', '--out', recomputed);
  const [again] = await readMetrics(join(recomputed, 'training'));
  expect(again?.reward).toBe(first?.reward);
  expect(again?.gradNorm).toBeCloseTo(of('gradNorm'), 5);
  await gimbal(
    ...argv,
    '--clip-epsilon',
    '0.1',
    '--clip-epsilon-high',
    '0.3',
    '--max-grad-norm',
    '2',
    '--out',
    clipped,
  );
  expect((await loadRun(join(clipped, 'training'))).config).toMatchObject({
    maxGradNorm: 2,
    surrogate: { name: 'ppoClip', ratioLevel: 'sequence', clipEpsilon: { low: 0.1, high: 0.3 } },
  });
}, 120_000);

test('what was stopped goes on to the same numbers', async () => {
  const reward = ['--reward', join(dir, 'letters.mjs'), '--checkpoint-every', '2'];
  const [whole, stopped] = [join(dir, 'whole'), join(dir, 'stopped')];
  await gimbal('rl', ...common(), ...reward, ...small, '--steps', '6', '--out', whole);
  // a run that was killed: its log and checkpoints of the first steps, nothing else
  await gimbal('rl', ...common(), ...reward, ...small, '--steps', '4', '--out', stopped);
  for (const name of ['model', 'report.html']) await rm(join(stopped, name), { recursive: true });
  const config = async () => JSON.parse(await readFile(join(stopped, 'config.json'), 'utf8'));
  const { trainedSeconds } = await config();
  const fewer = await failure('rl', '--out', stopped, '--resume', '--steps', '3');
  expect([fewer.code, fewer.stderr]).toEqual([2, expect.stringContaining('give more to train on')]);
  const longer = await failure('rl', '--out', stopped, '--resume', '--steps', '6');
  expect([longer.code, longer.stderr]).toEqual([0, expect.stringContaining('is trained on, to 6 steps in all')]);
  const after = await config();
  expect(after.options.steps).toBe(6);
  expect(after.trainedSeconds).toBeGreaterThan(trainedSeconds);
  expect(await readMetrics(join(stopped, 'training'))).toEqual(await readMetrics(join(whole, 'training')));
  const weights = (run: string): Promise<Buffer> => readFile(join(run, 'model/model.safetensors'));
  expect((await weights(stopped)).equals(await weights(whole))).toBe(true);
}, 120_000);

test('dropout never reaches a log-probability: a copy agrees to the bit, and at step 1 the KL is 0 and the ratio 1', async () => {
  const model = decoder({
    vocabularySize: 12,
    width: 16,
    layers: 2,
    heads: 2,
    contextLength: 12,
    dropout: 0.5,
    eosIds: [1],
  });
  const params = model.init(rng(0));
  const copy = mapTree(params, (t) => clone(t));
  const batch = (rows: number[][]): TokenBatch => ({
    ids: Int32Array.from(rows.flat()),
    width: rows[0]?.length ?? 0,
    lengths: Int32Array.from(rows, (row) => row.length),
  });
  const [prompts, completions] = [
    [
      [3, 4],
      [5, 6],
    ],
    [
      [7, 8, 1],
      [9, 2, 1],
    ],
  ];
  const logProbs = (tree: typeof params, rows: readonly number[]): number[] => {
    const pick = (all: number[][]): TokenBatch => batch(rows.map((i) => all[i] as number[]));
    const found = model.logProbs(tree, pick(prompts), pick(completions));
    const values = [...found.dataSync()];
    found.dispose();
    return values;
  };
  const own = logProbs(params, [0, 1]);
  expect(logProbs(copy, [0, 1])).toEqual(own);
  const halves = [...logProbs(params, [0]), ...logProbs(params, [1])];
  for (const [i, p] of own.entries()) expect(halves[i]).toBeCloseTo(p, 6);
  const codec = {
    encode: (texts: readonly string[]) => batch(texts.map((text) => [...text].map(Number))),
    decode: ({ ids, width, lengths }: TokenBatch) =>
      Array.from(lengths, (n, b) => ids.subarray(b * width, b * width + n).join(' ')),
  };
  using trainer = new TokenPolicyTrainer({
    ...{ policy: model, params, codec, prompts: ['34', '56'], maxNewTokens: 3, batchSize: 8, seed: 0 },
    ...{ reward: (_, texts) => texts.map((text) => text.length), klCoef: 0.1, learningRate: 1e-2 },
  });
  const [first, second] = [await trainer.run({ steps: 1 }), await trainer.run({ steps: 2 })];
  expect(first?.kl).toBe(0);
  // one pass over the completions: the policy that learns is the one that sampled, p over p is 1
  expect(first).toMatchObject({ ratioMax: 1, clipFraction: 0, klForward: 0, klReverse: 0 });
  expect(second?.kl).not.toBe(0);
  for (const tree of [params, copy]) disposeTree(tree);
});

test('rewards by name, and what is none', async () => {
  expect(parseReward('exact', '').of).toBe('');
  expect(parseReward('exact:answer=0.5', '')).toEqual({ kind: 'exact', of: 'answer', weight: 0.5, name: 'exact' });
  const server = 'https://host/score?key=a';
  expect(parseReward(server, '')).toEqual({ kind: 'remote', of: server, weight: 1, name: 'remote' });
  expect(parseReward('http://host:8000/score=0.5', '')).toMatchObject({ of: 'http://host:8000/score', weight: 0.5 });
  expect(parseReward('./my/style-2.mjs=-2', '')).toMatchObject({ of: './my/style-2.mjs', weight: -2, name: 'style_2' });
  expect(() => parseReward('exact=much', 'here')).toThrow('here: the weight is no number');
  expect(() => parseReward('kindness', 'here')).toThrow('here: no such reward; got "kindness", wanted exact');
  const exact = exactAnswer(undefined, 'here');
  expect(
    exact(
      ['q', 'q'],
      [' 4\n', '5'],
      [
        { prompt: 'q', answer: 4 },
        { prompt: 'q', completion: '6' },
      ],
    ),
  ).toEqual([1, 0]);
  expect(() => exact(['q'], ['4'], [{ prompt: 'q', solution: '4' }])).toThrow(/Rows have prompt, solution/);
  const cases: [string[], string][] = [
    [[...common(), '--reward', join(dir, 'none.mjs')], 'its default export is no function'],
    [[...common(), '--reward', join(dir, 'absent.mjs')], 'the module cannot be loaded'],
    [['--model', join(dir, 'base'), '--reward', 'exact'], 'there are no prompts'],
    [[...common(), '--reward', 'exact', '--patience', '2'], '--patience: nothing watches the run without --monitor'],
    [[...common(), '--reward', 'repetition', '--monitor', 'repetition=2'], 'what is optimised cannot watch itself'],
    [[...common(), '--reward', join(dir, 'base')], 'this is a language model, which has no head that scores'],
    [[...common(), '--reward', 'exact', '--gae-lambda', '1'], "--gae-lambda: 'rloo' has no value function"],
    [[...common(), '--reward', 'exact', '--mask-truncated', '--missing-eos-reward', '0'], 'cut have one rule'],
    [[...common(), '--reward', 'exact', '--policy-warmup-mode', 'freeze'], 'no warm-up without --policy-warmup'],
    [[...common(), '--reward', 'exact', '--baseline', 'value'], '--credit: a value function credits each token'],
    [[...common(), '--reward', 'exact', '--held-out', '24'], 'nothing is left to train on'],
    [[...common(), '--reward', 'exact', '--batch-size', '3'], 'gimbal rl --batch-size: the completions'],
    [[...common(), '--reward', 'exact', '--samples-per-prompt', '1'], 'gimbal rl --samples-per-prompt: completions of'],
    [[...common(), '--reward', 'exact', '--eta', '1'], 'gimbal rl --eta: the surrogate ppoClip has no such option'],
    [[...common(), '--reward', 'exact', '--max-new-tokens', '24'], 'are too long'],
    [[...common(), '--reward', 'exact', '--held-out', '12', '--eval-every', '2'], 'holds out a second part'],
    [[...common(), '--reward', 'exact', '--articles', '100'], '--articles: the prompts are those of --data'],
    [[...common(), '--reward', 'exact', '--world', 'mini'], '--world: the prompts are those of --data'],
    [[...common(), '--reward', 'exact', '--max-new-tokens', '1', '--mask-truncated'], 'leaves no room for an end'],
  ];
  for (const [argv, text] of cases) {
    const { code, stderr } = await failure('rl', ...argv, '--out', join(dir, 'refused'));
    expect([code, stderr]).toEqual([2, expect.stringContaining(text)]);
  }
  expect(await readdir(dir)).not.toContain('refused');
  const threw = await failure('rl', ...common(), '--reward', join(dir, 'throws.mjs'), '--out', join(dir, 'threw'));
  expect(threw.stderr).toContain('throws.mjs threw: mine');
  expect(threw.stderr).not.toContain('not foreseen');
}, 120_000);

test('rows that are no articles of the newsroom, and a flag without its value, are refused by name', async () => {
  const reads = /world:newsroom reads articles of the newsroom only: /;
  for (const [flags, where] of [
    [['--reward', 'world:newsroom'], /error gimbal rl --reward, .*rows\.jsonl:1: /],
    [['--reward', `ensemble:world:newsroom+${join(dir, 'letters.mjs')}`], /gimbal rl --reward, .*rows\.jsonl:1: /],
    [['--reward', 'exact:answer', '--monitor', 'world:newsroom'], /gimbal rl --monitor, .*rows\.jsonl:1: /],
  ] as const) {
    const { code, stderr } = await failure('rl', ...common(), ...flags, '--out', join(dir, 'no-articles'));
    expect([code, stderr]).toEqual([2, expect.stringMatching(where)]);
    expect(stderr).toMatch(reads);
    expect(stderr).not.toMatch('not foreseen');
  }
  const forgotten = await failure('rl', '--model', 'base', '--reward', '--out', 'here');
  expect([forgotten.code, forgotten.stderr]).toEqual([2, expect.stringMatching(/gimbal rl: --reward needs a value/)]);
});

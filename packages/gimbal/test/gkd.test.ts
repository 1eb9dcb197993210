// Distillation from the command line: a small pair of models of our own, stopped and gone on with; the claims that a test
// has time for.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  decoder,
  loadSeq2Seq,
  savePretrained,
  saveSeq2Seq,
  seq2seq,
  type Tokenizer,
  trainTokenizer,
} from '@gimbal/language-models';
import { disposeTree, rng, useBackend } from '@gimbal/tensor-core';
import type { ReproduceReport } from '../src/reproduce/claim.ts';
import { quarter } from '../src/stages/distil.ts';
import { runMain } from './run-main.ts';

const source = new URL('../src/', import.meta.url);
const t5 = fileURLToPath(new URL('../../language-models/test/golden/t5-tiny', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-gkd-'));
  await useBackend('auto');
  const rows = Array.from({ length: 24 }, (_, i) => ({ prompt: `${i % 6} or ${i % 4} ?`, completion: 'yes it is' }));
  await writeFile(join(folder, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await writeFile(
    join(folder, 'letters.mjs'),
    'export default (prompts, completions) => completions.map((text) => Math.min(1, text.split("e").length - 1));\n',
  );
  const texts = rows.map((row) => `${row.prompt}\n${row.completion}`);
  type Made = ReturnType<typeof trainTokenizer>;
  const make = async (name: string, width: number, tokenizer: Made, layers = 1, contextLength = 24, padded = 0) => {
    const size = { width, layers, heads: 2, contextLength, eosIds: [tokenizer.special.eos as number] };
    // an untrained teacher of the usual spread says next to nothing
    const model = decoder({ vocabularySize: tokenizer.size + padded, ...size, initializerRange: 0.2 });
    const params = model.init(rng(width));
    await savePretrained(join(folder, name), model, params, { tokenizer, generation: { temperature: 0.5, topK: 7 } });
    disposeTree(params);
  };
  await make('teacher', 64, trainTokenizer(texts));
  await make('student', 32, trainTokenizer(texts));
  await make('deep', 32, trainTokenizer(texts), 4);
  await make('padded', 32, trainTokenizer(texts), 1, 24, 1);
  const elsewhere = trainTokenizer(['something else altogether, in other words']);
  await make('other', 32, elsewhere);
  // room for a prompt in its own tokens, and little more
  await make('narrow', 32, elsewhere, 1, 16);
});
afterAll(() => rm(folder, { recursive: true }));

test('reproduce gkd: the claims that are exact', async () => {
  const ids = ['G1', 'G2'];
  const argv = ['reproduce', 'gkd', '--claim', ids.join(','), '--json', '--out', join(folder, 'claims')];
  const { code, stdout, stderr } = await runMain(argv, source);
  if (stdout === '') throw new Error(stderr);
  const report = JSON.parse(stdout) as ReproduceReport;
  expect(report.claims.map(({ id, verdict, measured }) => [id, verdict, measured])).toEqual(
    ids.map((id) => [id, 'holds', expect.any(String)]),
  );
  expect(code).toBe(0);
}, 60_000);

const pair = (student = 'student'): string[] => [
  ...['gkd', '--teacher', join(folder, 'teacher'), '--student', join(folder, student)],
  ...['--data', join(folder, 'rows.jsonl'), '--max-new-tokens', '6', '--held-out', '4'],
];
interface Model {
  name: string;
  score?: number;
  bytes: number;
  rkl: number;
  acceptance: number;
}

test('gkd brings a student nearer to its teacher, and ends with one table of both and 4 bits', async () => {
  const run = join(folder, 'run');
  const argv = [...pair(), '--learning-rate', '1e-2', '--steps', '40', '--divergence', 'jsd:0.5'];
  const { stdout, stderr } = await runMain([...argv, '--json', '--out', run], source);
  if (stdout === '') throw new Error(stderr);
  const { models, scoreName } = JSON.parse(stdout) as { models: Model[]; scoreName: string };
  expect(models.map(({ name }) => name)).toEqual(['teacher', 'student before', 'student', 'student, 4 bits']);
  const [teacher, before, after, small] = models as [Model, Model, Model, Model];
  expect([teacher.rkl, teacher.acceptance]).toEqual([expect.closeTo(0, 5), expect.closeTo(1, 5)]);
  expect(after.rkl).toBeLessThan(0.8 * before.rkl);
  expect(after.acceptance).toBeGreaterThan(before.acceptance);
  expect(small.bytes).toBeLessThan(after.bytes);
  expect(scoreName).toBe('ROUGE-2');
  expect((await readdir(run)).sort()).toEqual(
    ['config.json', 'model', 'model-q4_0.gguf', 'report.html', 'training'].sort(),
  );
  // it is sampled from as it was meant to be
  const sampling = JSON.parse(await readFile(join(run, 'model', 'generation_config.json'), 'utf8'));
  expect(sampling).toMatchObject({ temperature: 0.5, top_k: 7 });
  const page = await readFile(join(run, 'report.html'), 'utf8');
  for (const text of ['Teacher and students', 'accepted as drafts', 'Divergence by place', 'Greedy completions'])
    expect(page).toContain(text);
}, 60_000);

test('a reward beside it, an adapter, other methods', async () => {
  const short = ['--steps', '2', '--no-quantize', '--json'];
  const reward = ['--reward', join(folder, 'letters.mjs'), '--alpha', '0.5', '--batch-size', '8', '--lora', '4'];
  const rewarded = await runMain([...pair(), ...reward, ...short, '--out', join(folder, 'rewarded')], source);
  expect([rewarded.code, rewarded.code === 0 ? '' : rewarded.stderr]).toEqual([0, '']);
  const { scoreName, models } = JSON.parse(rewarded.stdout) as { scoreName: string; models: Model[] };
  expect([scoreName, models.map(({ score }) => typeof score)]).toEqual(['reward', ['number', 'number', 'number']]);
  expect(await readdir(join(folder, 'rewarded'))).toContain('adapter');
  const cache = join(folder, 'cache');
  for (const preset of ['seqkd', 'supervised-kd', 'imitkd', 'minillm']) {
    const cached = preset === 'minillm' ? [] : ['--teacher-cache', cache];
    const argv = [...pair(), '--preset', preset, ...cached, '--batch-size', '4', ...short];
    const { code, stderr } = await runMain([...argv, '--out', join(folder, preset)], source);
    expect([preset, code, code === 0 ? '' : stderr]).toEqual([preset, 0, '']);
  }
  // a model that is at hand is mixed into sampling
  const saved = await readFile(join(folder, 'minillm', 'training', 'config.json'), 'utf8');
  expect(saved).toContain('"teacherMix": 0.2');
  expect((await readdir(cache)).length).toBeGreaterThan(0);
  const on = ['gkd', '--resume', '--steps', '3', '--json', '--out', join(folder, 'seqkd')];
  const longer = await runMain(on, source);
  expect([longer.code, JSON.parse(longer.stdout)]).toEqual([0, expect.objectContaining({ steps: 3 })]);
  expect(longer.stderr).toContain('is trained on, to 3 steps in all');
}, 90_000);

test('rows that have prompts alone are enough, which is said', async () => {
  const data = join(folder, 'prompts.jsonl');
  await writeFile(data, Array.from({ length: 12 }, (_, i) => `{"prompt": "${i % 6} or ${i % 4} ?"}\n`).join(''));
  const argv = [...pair(), '--data', data, '--steps', '1', '--no-quantize', '--json', '--out', join(folder, 'alone')];
  const { code, stderr } = await runMain(argv, source);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(
      /no completions are read, prompts alone: .*prompts\.jsonl:1: the row has no column completion/,
    ),
  ]);
}, 60_000);

test('a teacher of another tokenizer, by each way of alignment; rows in one line', async () => {
  const short = ['--steps', '2', '--no-quantize', '--json', '--packing', '--batch-size', '4'];
  for (const [way, ...more] of [['spans'], ['uld', '--lambda', '0.5'], ['hybrid', '--preset', 'imitkd']]) {
    const run = join(folder, `other-${way}`);
    const argv = [...pair('other'), ...short, '--alignment', way as string, ...more, '--out', run];
    const { code, stdout, stderr } = await runMain(argv, source);
    expect([way, code, code === 0 ? '' : stderr]).toEqual([way, 0, '']);
    const { models } = JSON.parse(stdout) as { models: (Model & { fkl: number | null })[] };
    const [teacher, before, after] = models as [Model, Model & { fkl: number | null }, Model];
    // it reads its own tokens; of the student's only sampled log-probabilities are known
    expect([teacher.rkl, teacher.acceptance]).toEqual([expect.closeTo(0, 5), expect.closeTo(1, 5)]);
    expect([before.fkl, before.acceptance]).toEqual([null, null]);
    expect([typeof before.rkl, typeof after.rkl]).toEqual(['number', 'number']);
    expect(await readFile(join(run, 'report.html'), 'utf8')).toContain('of other tokenizers KL(q‖p) alone is known');
  }
}, 120_000);

test('completions that the teacher’s tokens make too long for it count nothing, which is told', async () => {
  const short = ['--steps', '2', '--no-quantize', '--json', '--batch-size', '4', '--max-new-tokens', '8'];
  const argv = [...pair('student').filter((x) => x !== '--max-new-tokens' && x !== '6'), ...short];
  for (const way of ['spans', 'hybrid']) {
    const run = join(folder, `long-${way}`);
    argv[2] = join(folder, 'narrow');
    const { code, stdout, stderr } = await runMain([...argv, '--alignment', way, '--out', run], source);
    expect([way, code, code === 0 ? '' : stderr]).toEqual([way, 0, '']);
    expect(stderr).toContain('the teacher cannot read every completion');
    const { models } = JSON.parse(stdout) as { models: (Model & { unread: number })[] };
    expect(models[1]?.unread).toBeGreaterThan(0);
  }
}, 60_000);

test('equal prompts are on one side; a speed is measured warm; long completions are left out and named', async () => {
  const data = join(folder, 'long.jsonl');
  const long = { prompt: '5 or 3 ?', completion: 'it is yes '.repeat(20) };
  const rows = Array.from({ length: 24 }, (_, i) => ({ prompt: `${i % 6} or ${i % 4} ?`, completion: 'yes it is' }));
  await writeFile(data, [...rows, long].map((row) => `${JSON.stringify(row)}\n`).join(''));
  const argv = [...pair(), '--data', data, '--steps', '2', '--no-quantize', '--json'];
  const run = async (...more: string[]) => {
    const out = join(folder, `apart-${more.length}`);
    const { code, stdout, stderr } = await runMain([...argv, ...more, '--out', out], source);
    expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
    const { models } = JSON.parse(stdout) as { models: (Model & { tokensPerSecond: number })[] };
    return { models, stderr };
  };
  // by the processor's time: on a busy machine one measurement may wait for it, and the other not
  const clock = performance.now;
  performance.now = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const { models, stderr } = await run('--preset', 'supervised-kd', '--held-out', '2').finally(() => {
    performance.now = clock;
  });
  expect(stderr).toMatch(
    /13 of 25 prompts are equal to one before them; equal ones are all trained on or all held out/,
  );
  expect(stderr).toMatch(/1 of 23 rows is not learned from: .* longer than the student’s 24 tokens: .*long\.jsonl:25/);
  // one architecture, before and after
  const [, before, after] = models.map(({ tokensPerSecond }) => tokensPerSecond) as [number, number, number];
  expect(Math.max(before, after) / Math.min(before, after)).toBeLessThan(4);
  await writeFile(data, JSON.stringify(rows[0]));
  expect((await run()).stderr).toContain('the only row is trained on and compared on');
}, 60_000);

test('one tokenizer with logits of other widths needs a flag, which is told before anything is computed', async () => {
  const short = ['--steps', '2', '--no-quantize', '--json', '--batch-size', '4'];
  const refused = await runMain([...pair('padded'), ...short, '--out', join(folder, 'padded-refused')], source);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/gimbal gkd --teacher: .*--align-vocab/)]);
  const run = join(folder, 'padded-run');
  const { code, stdout, stderr } = await runMain([...pair('padded'), ...short, '--align-vocab', '--out', run], source);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  const { models } = JSON.parse(stdout) as { models: Model[] };
  expect(models.map(({ rkl }) => Number.isFinite(rkl))).toEqual([true, true, true]);
  expect(models[0]?.rkl).toBeCloseTo(0, 5);
}, 60_000);

test('a student that is its own teacher is told of', async () => {
  const argv = [...pair('teacher'), '--steps', '1', '--no-quantize', '--json', '--out', join(folder, 'one')];
  const { code, stderr } = await runMain(argv, source);
  expect([code, stderr]).toEqual([0, expect.stringContaining('teacher and student are one model')]);
}, 60_000);

test('a student of every second layer of its teacher', async () => {
  const run = join(folder, 'every');
  const rest = ['--data', join(folder, 'rows.jsonl'), '--max-new-tokens', '6', '--held-out', '4', '--steps', '2'];
  const deep = ['gkd', '--teacher', join(folder, 'deep'), ...rest, '--preset', 'sft', '--no-quantize', '--json'];
  const { code, stdout, stderr } = await runMain([...deep, '--every-layer', '2', '--out', run], source);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  const { models } = JSON.parse(stdout) as { models: Model[] };
  expect(models[1]?.bytes).toBeLessThan(models[0]?.bytes as number);
  expect(stderr).toContain('starts as 2 of the teacher’s 4 layers');
  const config = await readFile(join(run, 'model', 'config.json'), 'utf8');
  expect((JSON.parse(config) as { num_hidden_layers: number }).num_hidden_layers).toBe(2);
  for (const [more, what] of [
    [[], 'which student?'],
    [['--every-layer', '2', '--student', join(folder, 'deep')], 'two students'],
    [['--every-layer', '2', '--lora', '2'], 'an adapter needs a student'],
  ] as const)
    expect((await runMain([...deep, ...more, '--out', join(folder, 'none')], source)).stderr).toContain(what);
}, 60_000);

test('encoder-decoders distil like decoders, whole or by an adapter; there is no .gguf of one, which is said', async () => {
  const { tokenizer, params: unused } = await loadSeq2Seq(t5);
  disposeTree(unused);
  const model = seq2seq({ vocabularySize: 64, width: 16, layers: 1, heads: 2, contextLength: 32, eosIds: [1] });
  const params = model.init(rng(3));
  await saveSeq2Seq(join(folder, 't5-small'), model, params, { tokenizer: tokenizer as Tokenizer });
  disposeTree(params);
  const words = ['nurse', 'coat', 'the', 'hid'];
  const rows = words.flatMap((a) => words.map((b) => ({ prompt: `the ${a} ${b}`, completion: `${b} ${a}` })));
  const data = join(folder, 'words.jsonl');
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const argv = ['gkd', '--teacher', t5, '--data', data, '--max-new-tokens', '6', '--held-out', '4', '--json'];
  const small = ['--student', join(folder, 't5-small'), '--learning-rate', '2e-2'];
  const run = join(folder, 't5-run');
  const { stdout, stderr } = await runMain([...argv, ...small, '--steps', '40', '--out', run], source);
  if (stdout === '') throw new Error(stderr);
  expect(stderr).toContain('no 4 bits: a .gguf of ours holds a decoder');
  const { models } = JSON.parse(stdout) as { models: Model[] };
  const [teacher, before, after] = models as [Model, Model, Model];
  expect(models.map(({ name }) => name)).toEqual(['teacher', 'student before', 'student']);
  expect([teacher.rkl, teacher.acceptance]).toEqual([expect.closeTo(0, 5), expect.closeTo(1, 5)]);
  expect(after.rkl).toBeLessThan(0.8 * before.rkl);
  expect((await readdir(run)).sort()).toEqual(['config.json', 'model', 'report.html', 'training']);
  disposeTree((await loadSeq2Seq(join(run, 'model'))).params);

  const adapted = [...argv, ...small, '--lora', '2', '--steps', '2', '--out', join(folder, 't5-lora')];
  const beside = await runMain(adapted, source);
  expect([beside.code, beside.code === 0 ? '' : beside.stderr]).toEqual([0, '']);
  expect(await readdir(join(folder, 't5-lora'))).toContain('adapter');

  const refused = async (...more: string[]): Promise<string> =>
    (await runMain([...argv, ...more, '--out', join(folder, 't5-none')], source)).stderr;
  expect(await refused('--every-layer', '2')).toMatch(
    /--every-layer: layers are left out of decoders alone.*--student/,
  );
  expect(await refused('--student', join(folder, 'student'))).toMatch(
    /--teacher: .*wanted a decoder, as the student is/,
  );
}, 120_000);

test('how it is trained is said by flags: a share that rises, replay, further rows, an adapter’s settings', async () => {
  const short = ['--steps', '4', '--batch-size', '4', '--no-quantize', '--json'];
  const first = join(folder, 'flags');
  const flags = [
    ...['--lambda', '0..1', '--reduction', 'token', '--student-temperature', '0.9', '--replay', '8'],
    ...['--auxiliary', join(folder, 'rows.jsonl'), '--auxiliary-weight', '0.5', '--vocabulary-per-chunk', '16'],
    ...['--max-grad-norm', '2', '--warmup', '2', '--accumulate', '2', '--eval-every', '2', '--patience', '3'],
    ...['--lora', '2', '--lora-alpha', '3', '--lora-targets', 'q_proj', '--dora', '--score', 'exact'],
  ];
  const { code, stdout, stderr } = await runMain([...pair(), ...short, ...flags, '--out', first], source);
  expect([code, code === 0 ? '' : stderr]).toEqual([0, '']);
  expect((JSON.parse(stdout) as { scoreName: string }).scoreName).toBe('exact match');
  const saved = JSON.parse(await readFile(join(first, 'training', 'config.json'), 'utf8'));
  expect(JSON.stringify(saved)).toMatch(/"reduction":"token"/);
  expect(JSON.stringify(saved)).toMatch(/"maxGradNorm":2/);
  const lines = (await readFile(join(first, 'training', 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const logged = lines.map((line) => JSON.parse(line) as Record<string, number>).filter((row) => 'lambda' in row);
  expect(logged.map(({ lambda }) => lambda)).toEqual([0, 0.25, 0.5, 0.75]);
  expect(lines.some((line) => line.includes('evalLoss'))).toBe(true);

  const second = ['--future-discount', '1', '--score', 'bleu', '--teacher-mix', '0.2', '--rows-per-chunk', '8'];
  const other = await runMain([...pair(), ...short, ...second, '--out', join(folder, 'flags-2')], source);
  expect([other.code, other.code === 0 ? '' : other.stderr]).toEqual([0, '']);
  expect((JSON.parse(other.stdout) as { scoreName: string }).scoreName).toBe('BLEU');
}, 90_000);

test('flags of training that do nothing, or that the trainer refuses, are refused by their names', async () => {
  const refused = async (...argv: string[]): Promise<string> =>
    (await runMain([...pair(), ...argv, '--out', join(folder, 'none')], source)).stderr;
  expect(await refused('--lambda', '0..2')).toMatch(/--lambda: no share.*0\.\.1@100/);
  expect(await refused('--replay-fresh', '0.5')).toContain('say how much by --replay');
  expect(await refused('--auxiliary-weight', '2')).toContain('name them by --auxiliary');
  expect(await refused('--patience', '2')).toContain('say how often by --eval-every');
  expect(await refused('--dora')).toContain('--lora 0 trains all weights');
  expect(await refused('--lora', '2', '--lora-targets', 'c_attn')).toContain('gimbal gkd --lora-targets: no layer');
  expect(await refused('--future-discount', '0.5')).toMatch(/gimbal gkd --future-discount: .*reduction/);
}, 60_000);

test('what cannot be distilled is refused, in the words of the options', async () => {
  const refused = async (...argv: string[]): Promise<string> =>
    (await runMain([...argv, '--out', join(folder, 'none')], source)).stderr;
  expect(await refused(...pair('other'))).toMatch(/token \d+|tokenizer|vocabularies differ/);
  expect(await refused(...pair('teacher'), '--divergence', 'jds:0.5')).toContain('jsd');
  expect(await refused(...pair(), '--divergence', 'jsd:1.5')).toContain('1.5');
  expect(await refused(...pair(), '--lambda', '2')).toContain('--lambda');
  expect(await refused(...pair(), '--articles', '100')).toContain('--articles: the prompts are those of --data');
  expect(await refused(...pair('other'), '--alignment', 'uld', '--divergence', 'fkl')).toMatch(
    /--divergence: with --alignment uld .*Leave it out/,
  );
  // in the words of the flags, and before a method is changed without a word
  for (const [more, message] of [
    [['--alpha', '0.5'], /--alpha: it stands beside a reward/],
    [['--samples-per-prompt', '2'], /--samples-per-prompt: it stands beside a reward/],
    [['--preset', 'sft', '--divergence', 'rkl'], /--divergence: with --preset sft .* no divergence is taken/],
    [['--preset', 'sampled-opd', '--divergence', 'fkl'], /--divergence: with --preset sampled-opd/],
    [['--preset', 'sft', '--lambda', '1'], /--lambda: --preset sft would teach/],
    [['--teacher-top-k', '100000'], /gkd --teacher-top-k: .*100000/],
    [['--alignment', 'uld', '--teacher-top-k', '4'], /--teacher-top-k: --alignment uld compares whole/],
    [['--divergence', 'jsd:1.5'], /gkd --divergence: .*1.5/],
    [['--preset', 'minillm', '--reward', join(folder, 'letters.mjs')], /--reward: --preset minillm corrects/],
    [['--preset', 'sft', '--reward', join(folder, 'letters.mjs')], /--reward: --preset sft writes no/],
  ] as const)
    expect(await refused(...pair(), ...more)).toMatch(message);
  expect(await refused(...pair('other'))).toMatch(/gkd --teacher: token \d+ is .* pass --alignment hybrid/);
  const newsroom = ['gkd', '--teacher', join(folder, 'teacher'), '--student', join(folder, 'student')];
  expect(await refused(...newsroom, '--articles', '16')).toMatch(/as --data was not given: all \d+ are too long/);
  const alone = join(folder, 'asked.jsonl');
  await writeFile(alone, Array.from({ length: 9 }, (_, i) => `{"prompt": "${i % 6} or ${i % 4} ?"}\n`).join(''));
  expect(await refused(...pair(), '--data', alone, '--preset', 'supervised-kd')).toMatch(
    /--preset supervised-kd: it learns from the rows’ completions.*asked\.jsonl:\d.*seqkd/,
  );
  expect(await refused(...pair(), '--top-k-of', 'student')).toContain('say how many by --teacher-top-k');
  const odd = ['--reward', join(folder, 'letters.mjs'), '--batch-size', '6'];
  expect(await refused(...pair(), ...odd)).toContain('a multiple of --samples-per-prompt 4');
}, 60_000);

test('a quarter: at most a quarter of the parameters, of the same kind', () => {
  for (const given of [
    { family: 'llama', width: 128, layers: 4, heads: 4, vocabularySize: 500 },
    { family: 'gpt2', width: 64, layers: 2, heads: 2, vocabularySize: 300 },
    { family: 'llama', width: 32, layers: 1, heads: 2, vocabularySize: 1000 },
  ] as const) {
    const size = (o: Parameters<typeof decoder>[0]): number =>
      decoder(o).parameters.reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
    const { config } = decoder(given);
    const small = quarter(config, decoder);
    expect(size(small) / size(config)).toBeLessThanOrEqual(0.25);
    expect(small).toMatchObject({ family: given.family, heads: given.heads, contextLength: config.contextLength });
  }
});

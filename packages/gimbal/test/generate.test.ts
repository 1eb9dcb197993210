// gimbal generate and eval on small models of our own: prompts, files of them, conversations, and scores with intervals.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  batchRows,
  causalLmLoss,
  corpusBleu,
  decoder,
  loadPretrained,
  readRows,
  savePretrained,
  Tokenizer,
  tokenRows,
  trainTokenizer,
} from '@gimbal/language-models';
import {
  disposeTree,
  flatten,
  readSafetensors,
  rng,
  unflatten,
  useBackend,
  writeSafetensors,
} from '@gimbal/tensor-core';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import { startCli } from './cli-process.ts';
import { resultOf, runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
const t5 = fileURLToPath(new URL('../../language-models/test/golden/t5-tiny', import.meta.url));
const template =
  '{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}';
let dir: string;
const plain = (): string => join(dir, 'plain');
const chatty = (): string => join(dir, 'chat');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-generate-'));
  await useBackend('auto');
  const rows = Array.from({ length: 12 }, (_, i) => ({ prompt: `${i} plus one`, completion: `${i + 1}` }));
  await writeFile(join(dir, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await writeFile(join(dir, 'rows.csv'), ['prompt', ...rows.map(({ prompt }) => prompt)].join('\n'));
  await writeFile(join(dir, 'text.txt'), 'one plus one\n\ntwo plus one\n');
  const tokenizer = trainTokenizer(rows.map((row) => `${row.prompt}\n${row.completion}`));
  const size = { width: 16, layers: 1, heads: 2, contextLength: 64, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(plain(), model, params, { tokenizer });
  const chat = new Tokenizer(tokenizer.json, { ...tokenizer.config, chat_template: template });
  await savePretrained(chatty(), model, params, { tokenizer: chat });
  disposeTree(params);
});
afterAll(() => rm(dir, { recursive: true }));

const gimbal = (...argv: string[]): Promise<Record<string, unknown>> => resultOf(argv, root);
type Completions = { completions: { prompt: string; completion: string; tokens: number }[] };

test('several samples of each prompt of a file, .jsonl or .csv, in its order', async () => {
  const few = ['--model', plain(), '--max-new-tokens', '4', '--samples', '2', '--batch-size', '4'];
  const { completions } = (await gimbal('generate', ...few, '--data', join(dir, 'rows.jsonl'))) as Completions;
  expect(completions.map(({ prompt }) => prompt)).toEqual(
    Array.from({ length: 12 }, (_, i) => [`${i} plus one`, `${i} plus one`]).flat(),
  );
  const csv = (await gimbal('generate', ...few, '--data', join(dir, 'rows.csv'))) as Completions;
  // of rows with a completion it is the reference
  expect(completions.map((row) => (row as { reference?: string }).reference)).toEqual(
    Array.from({ length: 24 }, (_, i) => `${(i >> 1) + 1}`),
  );
  expect(csv.completions.map((row) => ({ reference: expect.anything(), ...row }))).toEqual(completions);
});

test('a prompt that leaves no room is left out, counted and named by file and line', async () => {
  const data = join(dir, 'long.jsonl');
  const prompts = ['one plus one', 'one plus '.repeat(40), 'two plus one'];
  await writeFile(data, prompts.map((prompt) => `${JSON.stringify({ prompt })}\n`).join(''));
  const argv = ['generate', '--model', plain(), '--data', data, '--max-new-tokens', '4', '--json'];
  const { code, stdout, stderr } = await runMain(argv, root);
  expect([code, stderr]).toEqual([
    0,
    expect.stringContaining(`1 prompt left out, longer than 60 tokens (first: ${data}:2)`),
  ]);
  const { completions } = JSON.parse(stdout) as Completions;
  expect(completions.map(({ prompt }) => prompt)).toEqual([prompts[0], prompts[2]]);
});

test('other columns of a row go to the output of generate and of eval, there with the scores of its answer', async () => {
  const data = join(dir, 'columns.jsonl');
  const rows = [7, 8].map((id) => ({
    ...{ id, share: 0.123456789012, prompt: `${id} plus one`, completion: `${id + 1}`, tokens: 'a,b' },
  }));
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const lines = async (file: string): Promise<object[]> =>
    (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
  const few = ['--model', plain(), '--data', data, '--max-new-tokens', '3', '--out'];
  await gimbal('generate', ...few, join(dir, 'carried.jsonl'));
  const kept = { share: 0.123456789012 };
  const wanted = rows.map(({ id, prompt, completion }) => ({ ...kept, id, prompt, reference: completion }));
  expect(await lines(join(dir, 'carried.jsonl'))).toMatchObject(
    wanted.map((row) => ({ ...row, 'row.tokens': 'a,b', tokens: expect.any(Number), completion: expect.any(String) })),
  );
  await gimbal('eval', ...few, join(dir, 'scored.jsonl'), '--metrics', 'rouge,exact-match,bleu,chrf,distinct,length');
  const scored = ['rouge1', 'rougeL', 'exactMatch', 'bleu', 'chrf', 'distinct2', 'words'];
  const scores = Object.fromEntries(scored.map((name) => [name, expect.any(Number)]));
  expect(await lines(join(dir, 'scored.jsonl'))).toMatchObject(
    wanted.map((row) => ({ ...row, tokens: 'a,b', prediction: expect.any(String), ...scores })),
  );
});

test('--out replaces no file, least of all the rows of --data, and holds no table', async () => {
  const mine = join(dir, 'mine.jsonl');
  const text = '{"prompt": "one plus one", "completion": "2"}\n';
  await writeFile(mine, text);
  const old = join(dir, 'old.gguf');
  await writeFile(old, text);
  const model = ['--model', plain()];
  const cases: [string[], RegExp][] = [
    [['generate', ...model, '--data', mine, '--out', mine], /the file of --data, and would be replaced.*another file/s],
    [['eval', ...model, '--data', mine, '--out', mine], /the file of --data, and would be replaced/],
    [['generate', ...model, '--prompt', 'one', '--out', old], /exists already.*or remove this one first/s],
    [['quantize', ...model, '--out', old], /exists already/],
    [['generate', ...model, '--data', mine, '--out', join(dir, 'a.csv')], /JSON Lines, not as a table.*\.jsonl/s],
    [['eval', ...model, '--data', mine, '--out', join(dir, 'a.parquet')], /JSON Lines, not as a table/],
  ];
  for (const [argv, message] of cases) {
    const { code, stderr } = await runMain(argv, root);
    expect([argv[0], code, stderr]).toEqual([argv[0], 2, expect.stringMatching(message)]);
  }
  expect([await readFile(mine, 'utf8'), await readFile(old, 'utf8')]).toEqual([text, text]);
});

test('more samples than beams, and an adapter that is none, are wrong usage by flag', async () => {
  const few = ['generate', '--model', plain(), '--prompt', 'one'];
  const many = await runMain([...few, '--beams', '2', '--samples', '4'], root);
  expect([many.code, many.stderr]).toEqual([
    2,
    expect.stringMatching(/generate --samples: .*got 4, wanted "?at most 2/),
  ]);
  const whole = await runMain([...few, '--adapter', plain()], root);
  expect([whole.code, whole.stderr]).toEqual([2, expect.stringMatching(/--adapter: this is a whole model/)]);
});

test('a search, penalties and an encoder-decoder', async () => {
  const prompt = ['--prompt', 'the nurse', '--max-new-tokens', '5'];
  const beams = (await gimbal(
    'generate',
    '--model',
    plain(),
    ...prompt,
    '--beams',
    '3',
    '--samples',
    '2',
  )) as Completions;
  expect(beams.completions).toHaveLength(2);
  const varied = ['--temperature', '0', '--repetition-penalty', '5', '--no-repeat-ngram', '1', '--min-p', '0.1'];
  const once = (await gimbal('generate', '--model', plain(), ...prompt, ...varied)) as Completions;
  expect(once.completions[0]?.tokens).toBeGreaterThan(0);
  const { completions } = (await gimbal('generate', '--model', t5, ...prompt, '--temperature', '0')) as Completions;
  expect(completions[0]?.completion).not.toBe('');
});

test('a prompt is a turn to a model with a chat template, and --continue leaves it a text', async () => {
  const prompt = ['--prompt', '2 plus one', '--temperature', '0', '--max-new-tokens', '3'];
  const [turn, text, other] = (await Promise.all([
    gimbal('generate', '--model', chatty(), ...prompt),
    gimbal('generate', '--model', chatty(), ...prompt, '--continue'),
    gimbal('generate', '--model', plain(), ...prompt, '--continue'),
  ])) as [Completions, Completions, Completions];
  expect(text).toMatchObject({ completions: other.completions });
  expect(turn.completions[0]).toMatchObject({ prompt: '2 plus one' });
});

test('a conversation: a line is a turn, /reset forgets, the end of the input ends it', async () => {
  const argv = ['generate', '--model', chatty(), '--max-new-tokens', '3', '--system', 'be brief', '--json'];
  const { child, ended } = startCli(argv, dir);
  child.stdin?.end('hello\n\nagain\n/reset\nnew\n/rest\n');
  const { code, stdout, stderr } = await ended;
  expect([code, stderr]).toEqual([0, expect.stringContaining('no such command: /rest; /reset forgets')]);
  const { messages } = JSON.parse(stdout) as { messages: { role: string; content: string }[] };
  expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant']);
  expect(messages[1]?.content).toBe('new');
}, 60000);

test('eval: loss, perplexity and text scores, each within its interval; the answers in a file', async () => {
  const out = join(dir, 'answers.jsonl');
  const done = await gimbal(
    'eval',
    '--model',
    plain(),
    '--data',
    join(dir, 'rows.jsonl'),
    '--out',
    out,
    '--draws',
    '50',
  );
  const scores = done.scores as { [name: string]: { estimate: number; low: number; high: number } };
  expect(Object.keys(scores)).toEqual([
    'loss',
    'perplexity',
    'rouge1',
    'rouge2',
    'rougeL',
    'bleu',
    'chrf',
    'exactMatch',
  ]);
  for (const { estimate, low, high } of Object.values(scores)) {
    expect(low).toBeLessThanOrEqual(estimate + 1e-9);
    expect(high).toBeGreaterThanOrEqual(estimate - 1e-9);
  }
  // the loss by the library, all rows in one batch
  const { model, params, tokenizer } = await loadPretrained(plain());
  const { rows } = tokenRows(await readRows(join(dir, 'rows.jsonl')), tokenizer as Tokenizer, { limit: 64 });
  const batch = batchRows(rows, 0, 64);
  const loss = (causalLmLoss(model, params, batch).dataSync()[0] as number) / batch.tokens;
  expect(scores.loss?.estimate).toBeCloseTo(loss, 4);
  expect(scores.perplexity?.estimate).toBeCloseTo(Math.exp(loss), 1);
  disposeTree(params);
  const answers = (await readFile(out, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(answers).toHaveLength(12);
  const bleu = corpusBleu(
    answers.map(({ prediction }) => prediction),
    answers.map(({ reference }) => reference),
  );
  expect(scores.bleu?.estimate).toBeCloseTo(bleu, 6);
  const text = await gimbal('eval', '--model', plain(), '--data', join(dir, 'text.txt'));
  expect(Object.keys(text.scores as object)).toEqual(['loss', 'perplexity']);
  // a text longer than the context is read in pieces, unless it is told otherwise
  await writeFile(join(dir, 'long.txt'), `${'one plus two '.repeat(60)}\n\none plus one\n`);
  const long = ['eval', '--model', plain(), '--data', join(dir, 'long.txt')];
  const pieces = await gimbal(...long);
  const split = await gimbal(...long, '--overflow', 'split');
  const left = await gimbal(...long, '--overflow', 'drop');
  expect(pieces.scores).toEqual(split.scores);
  expect([pieces.tooLong, left.tooLong]).toEqual([1, 1]);
  expect(left.scores).not.toEqual(split.scores);
  const seq2seq = await gimbal('eval', '--model', t5, '--data', join(dir, 'rows.jsonl'), '--metrics', 'loss,distinct');
  expect(Object.keys(seq2seq.scores as object)).toEqual(['loss', 'perplexity', 'distinct1', 'distinct2']);
});

test('eval names rows that it leaves out by file and line, those of the loss and those of the answers', async () => {
  const data = join(dir, 'some-long.jsonl');
  const long = 'one plus '.repeat(40);
  const rows = [
    { prompt: 'one plus one', completion: '2' },
    { prompt: long, completion: '2' },
    { prompt: 'two', completion: long },
  ];
  await writeFile(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const few = ['--max-new-tokens', '4', '--draws', '10', '--json'];
  const { code, stdout, stderr } = await runMain(['eval', '--model', plain(), '--data', data, ...few], root);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(
      /the answers: 1 prompt of 3 left out, .* within 64 tokens: \S+some-long.jsonl:2\s.*the loss: 2 of 3 rows are too long, over 64 tokens, and left out: \S+some-long.jsonl:2, 3;/s,
    ),
  ]);
  const places = [2, 3].map((line) => `${data}:${line}`);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ rows: 3, tooLong: 2, tooLongAt: places },
    withoutRoom: { rows: 1, where: places.slice(0, 1) },
  });
});

test.each([Number.NaN, Number.NEGATIVE_INFINITY])('a model whose weights hold %p is refused by name', async (bad) => {
  const folder = join(dir, `bad${bad}`);
  await cp(plain(), folder, { recursive: true });
  const file = join(folder, 'model.safetensors');
  const weights = await readSafetensors(file);
  const [path, first] = flatten(weights)[1] as [string, Tensor];
  const values = await first.data();
  values[3] = bad;
  await writeSafetensors(
    file,
    unflatten([...flatten(weights).filter(([name]) => name !== path), [path, tensor(values, first.shape)]]),
  );
  disposeTree(weights);
  for (const argv of [
    ['generate', '--model', folder, '--prompt', 'one plus one'],
    ['eval', '--model', folder, '--data', join(dir, 'rows.jsonl')],
  ]) {
    const { code, stderr } = await runMain(argv, root);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        `model.safetensors, tensor "${path}": element 3 of its weights is no finite number; got ${bad}`,
      ),
    ]);
  }
});

test('a folder of rows, a blank --out and more new tokens than the context are wrong usage, by name', async () => {
  for (const argv of [
    ['generate', '--model', plain(), '--data', dir],
    ['eval', '--model', plain(), '--data', dir],
    ['align', '--data', dir],
  ]) {
    const { code, stderr } = await runMain(argv, root);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/this is a folder/)]);
  }
  const blank = await runMain(['generate', '--model', plain(), '--prompt', 'a', '--out', '  '], root);
  expect([blank.code, blank.stderr]).toEqual([2, expect.stringMatching(/--out: a name of nothing but spaces/)]);
  const many = await runMain(['generate', '--model', plain(), '--prompt', 'one', '--max-new-tokens', '100000'], root);
  const message = /--max-new-tokens: .*got 100000, wanted at most \d+: a context of 64 less a prompt of \d+/;
  expect([many.code, many.stderr]).toEqual([2, expect.stringMatching(message)]);
});

test('prompts in another encoding are refused, not read as other characters', async () => {
  for (const name of ['utf16.txt', 'utf16.jsonl']) {
    const file = join(dir, name);
    await writeFile(file, Buffer.from('\ufeff{"prompt": "one"}\n', 'utf16le'));
    const { code, stderr } = await runMain(['generate', '--model', plain(), '--data', file], root);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/utf16\.\w+: the file is not UTF-8 text/)]);
  }
});

test('a tokenizer that is not the model’s is refused by token', async () => {
  const folder = join(dir, 'foreign');
  await cp(plain(), folder, { recursive: true });
  const file = join(folder, 'tokenizer.json');
  const text = await readFile(file, 'utf8');
  const json = JSON.parse(text) as { model: { vocab: { [token: string]: number }; merges: unknown } };
  const last = Object.keys(json.model.vocab).at(-1) as string;
  const cases: [object, RegExp][] = [
    [{ vocab: { ...json.model.vocab, [last]: 999_999 } }, /has an id that the model has no embedding for; got 999999/],
    [{ vocab: { ...json.model.vocab, [last]: -1 } }, /the id of token ".*" is out of range; got -1/],
    [{ merges: [['nope', 'no']] }, /merge 0 names a token that the vocabulary has not; got "nope"/],
    [{ merges: [7] }, /merge 0 is no pair of tokens; got 7/],
    [{ merges: 'a b' }, /its merges are no list/],
  ];
  for (const [change, message] of cases) {
    await writeFile(file, JSON.stringify({ ...json, model: { ...json.model, ...change } }));
    const { code, stderr } = await runMain(['generate', '--model', folder, '--prompt', 'one'], root);
    expect([code, stderr]).toEqual([1, expect.stringMatching(message)]);
  }
});

test('what cannot be is said before a model is opened', async () => {
  const both = await runMain(['generate', '--model', 'm', '--prompt', 'a', '--data', 'b.txt'], root);
  expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/both --prompt and --data/)]);
  const many = await runMain(['generate', '--model', 'm', '--samples', '2'], root);
  expect([many.code, many.stderr]).toEqual([2, expect.stringMatching(/a conversation has one answer at a time/)]);
  const argv = ['eval', '--model', 'm', '--data', join(dir, 'text.txt'), '--metrics', 'bleu'];
  const nothing = await runMain(argv, root);
  expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringMatching(/there is nothing to compare with/)]);
});

import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  adaptTree,
  decoder,
  disposeAdapter,
  evaluateLoss,
  loadAdapter,
  loadPretrained,
  readRows,
  savePretrained,
  splitDataset,
  type Tokenizer,
  tokenRows,
  trainTokenizer,
} from '@gimbal/language-models';
import { disposeTree, flatten, rng, useBackend } from '@gimbal/tensor-core';
import { resultOf, runMain } from './run-main.ts';

const root = new URL('../src/', import.meta.url);
const t5 = fileURLToPath(new URL('../../language-models/test/golden/t5-tiny', import.meta.url));
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-open-'));
  await useBackend('auto');
  const rows = Array.from({ length: 40 }, (_, i) => ({
    question: `${i % 6} + ${i % 5} =`,
    answer: `${(i % 6) + (i % 5)}`,
  }));
  await writeFile(join(dir, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const tokenizer = trainTokenizer(rows.map((row) => `${row.question}\n${row.answer}`));
  const size = { width: 32, layers: 2, heads: 2, contextLength: 32, eosIds: [tokenizer.special.eos as number] };
  const model = decoder({ vocabularySize: tokenizer.size, ...size });
  const params = model.init(rng(0));
  await savePretrained(join(dir, 'base'), model, params, { tokenizer });
  disposeTree(params);
});
afterAll(() => rm(dir, { recursive: true }));

const gimbal = (...argv: string[]): Promise<Record<string, unknown>> => resultOf(argv, root);

test('sft names --continue only where the chat template writes another text than was learnt', async () => {
  const [base, other] = [join(dir, 'base'), join(dir, 'templated')];
  await cp(base, other, { recursive: true });
  const file = join(other, 'tokenizer_config.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as { [name: string]: unknown };
  const template = "{% for message in messages %}<{{ message['content'] }}>{% endfor %}";
  await writeFile(file, JSON.stringify({ ...config, chat_template: template }));
  const columns = ['--columns', 'prompt=question,completion=answer', '--steps', '1'];
  const said = async (model: string): Promise<string> => {
    const argv = ['sft', '--model', model, '--data', join(dir, 'rows.jsonl'), ...columns, '--out', `${model}-run`];
    const { code, stderr } = await runMain(argv, root);
    expect([code, stderr]).toEqual([0, stderr]);
    return stderr;
  };
  expect(await said(base)).not.toMatch(/--continue|as one text/);
  // before it trains, and at its end
  expect(await said(other)).toMatch(/learnt as one text, without the chat template.*gimbal generate --continue/s);

  const refused = async (data: string, ...more: string[]): Promise<string> => {
    const argv = ['sft', '--model', other, '--data', join(dir, data), ...more, '--out', join(dir, 'refused')];
    const { code, stderr } = await runMain(argv, root);
    expect([code, stderr]).toEqual([2, stderr]);
    return stderr;
  };
  const turns = [{ role: 'user', content: '1 + 1 =' }];
  const chats = [1, 2, 3].map(
    (i) => `${JSON.stringify({ messages: [...turns, { role: 'assistant', content: `${i}` }] })}\n`,
  );
  await writeFile(join(dir, 'chats.jsonl'), chats.join(''));
  expect(await refused('chats.jsonl', '--assistant-only')).toMatch(
    /gimbal sft --assistant-only: the chat template does not mark.*Give rows of prompt and completion, both as messages/s,
  );
  expect(await refused('rows.jsonl', ...columns, '--assistant-only')).toMatch(
    /sft --assistant-only: it is for conversations/,
  );
  expect(await refused('rows.jsonl', ...columns, '--max-length', '2')).toMatch(
    /rows.jsonl:1: all 40 rows are too long.*got "?\d+ tokens in the shortest of them"?, wanted "?at most 2 tokens \(--max-length\)"?.*Raise --max-length \(the model reads 32 tokens\), or keep .*--overflow cut/s,
  );
  expect(await refused('rows.jsonl', ...columns, '--max-length', '64')).toMatch(
    /gimbal sft --max-length: the model reads fewer tokens; got 64, wanted "?at most its context, 32/,
  );
});

test.each([
  ['a decoder', (): string => join(dir, 'base')],
  ['an encoder-decoder', (): string => t5],
])('sft of %s judges lengths before rows are held out: one long row of three stops nothing', async (_, model) => {
  // the context of T5 here is 512, so the limit is given
  const long = 'one more word '.repeat(30);
  const rows = ['1 + 1 =', '1 + 2 =', long].map((prompt, i) => JSON.stringify({ prompt, completion: `${i + 2}` }));
  await writeFile(join(dir, 'one-long.jsonl'), rows.join('\n'));
  const sft = ['sft', '--model', model(), '--data', join(dir, 'one-long.jsonl'), '--max-length', '24', '--steps', '1'];
  // whichever rows the seed draws: one of three is held out
  for (const seed of ['0', '1', '2', '3']) {
    const { tooLong } = await gimbal(...sft, '--seed', seed, '--out', await mkdtemp(join(dir, 'long-')));
    expect(tooLong).toMatchObject({ rows: 1, where: [expect.stringMatching(/one-long.jsonl:3$/)] });
  }
  const { code, stderr } = await runMain([...sft, '--overflow', 'error', '--out', join(dir, 'one-long-error')], root);
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(
      /one-long.jsonl:3: the row is too long.*at most 24 tokens \(--max-length\).*--overflow drop/s,
    ),
  ]);
});

test('an adapter is trained, merged into a folder and a GGUF file, and quantised', async () => {
  const sft = [
    'sft',
    '--model',
    join(dir, 'base'),
    '--data',
    join(dir, 'rows.jsonl'),
    '--columns',
    'prompt=question,completion=answer',
  ];
  const trained = await gimbal(...sft, '--steps', '20', '--learning-rate', '3e-2', '--out', join(dir, 'run'));
  expect(trained.heldOutLoss).toBeLessThan((trained.heldOutLossBefore as number) - 0.1);
  expect((await readdir(join(dir, 'run', 'adapter'))).sort()).toEqual([
    'adapter_config.json',
    'adapter_model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  const merge = ['merge', '--model', join(dir, 'base'), '--adapter', join(dir, 'run', 'adapter'), '--out'];
  await gimbal(...merge, join(dir, 'merged'));
  await gimbal(...merge, join(dir, 'merged.gguf'), '--type', 'f32');
  const idle = async (message: RegExp, ...argv: string[]): Promise<void> => {
    const r = await runMain([...merge, ...argv], root);
    expect([r.code, r.stderr]).toEqual([2, expect.stringMatching(message)]);
  };
  await idle(/--type: it says how a .gguf holds the matrices/, join(dir, 'idle'), '--type', 'q8_0');
  await idle(/--dtype: it says how a folder holds the weights/, join(dir, 'idle.gguf'), '--dtype', 'float16');
  await writeFile(
    join(dir, 'run', 'adapter', 'adapter_config.json'),
    (await readFile(join(dir, 'run', 'adapter', 'adapter_config.json'), 'utf8')).replace(
      /("base_model_name_or_path": )".*"/,
      '$1"owner/other"',
    ),
  );
  const other = await runMain([...merge, join(dir, 'merged')], root);
  expect(other.stderr).toMatch(/warning: the adapter's file says that it was made for owner\/other, not .*base/);
  const prompt = ['--prompt', '2 + 3 =', '--temperature', '0', '--max-new-tokens', '4'];
  const [a, b] = [
    await gimbal('generate', '--model', join(dir, 'merged'), ...prompt),
    await gimbal('generate', '--model', join(dir, 'merged.gguf'), '--continue', ...prompt),
  ];
  expect(a.completions).toHaveLength(1);
  expect(b.completions).toHaveLength(1);
  const small = await gimbal(
    'quantize',
    '--model',
    join(dir, 'merged'),
    '--type',
    'q4_0',
    '--out',
    join(dir, 'small.gguf'),
  );
  expect(small.bytes).toBeLessThan(small.float32Bytes as number);
});

test('a GGUF file is run from its blocks, a folder from blocks made of it', async () => {
  const held = async (...more: string[]): Promise<number> => {
    const flags = ['--prompt', 'what is 3 + 4', '--temperature', '0', '--max-new-tokens', '4', '--json'];
    const { code, stderr } = await runMain(['generate', ...more, ...flags], root);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/weights: [\d.]+ [kM]B/)]);
    const [, figure, unit] = /weights: ([\d.]+) ([kM])B/.exec(stderr) ?? [];
    expect(Number(figure)).toBeGreaterThan(0);
    return Number(figure) * (unit === 'k' ? 1e3 : 1e6);
  };
  const floats = await held('--model', join(dir, 'merged'));
  expect(await held('--model', join(dir, 'small.gguf'))).toBeLessThan(floats);
  expect(await held('--model', join(dir, 'small.gguf'), '--weights', 'float32')).toBe(floats);
  expect(await held('--model', join(dir, 'merged'), '--weights', 'q8_0')).toBeLessThan(floats);
});

test('a GGUF file is fine-tuned and aligned: its weights become float32, which is said', async () => {
  const file = join(dir, 'small.gguf');
  const rows = ['--data', join(dir, 'rows.jsonl'), '--columns', 'prompt=question,completion=answer'];
  const opened = /small\.gguf: opened as float32, [\d.]+ MB/;
  const sft = await runMain(
    ['sft', '--model', file, ...rows, '--lora', '0', '--steps', '2', '--out', join(dir, 'from-gguf'), '--json'],
    root,
  );
  expect([sft.code, sft.stderr]).toEqual([0, expect.stringMatching(opened)]);
  const few = ['--minutes', '0.02', '--fine-tune-steps', '4', '--out', join(dir, 'aligned'), '--json'];
  const align = await runMain(['align', '--model', file, ...rows, ...few], root);
  expect([align.code, align.stderr]).toEqual([0, expect.stringMatching(opened)]);
  const { model } = JSON.parse(align.stdout) as { model: string };
  const { params } = await loadPretrained(model);
  for (const [path, t] of flatten(params)) expect([path, t.dtype]).toEqual([path, 'float32']);
  disposeTree(params);
}, 120_000);

test('what align trains is sampled from as the model it started from', async () => {
  const [start, out] = [join(dir, 'sampled'), join(dir, 'aligned-sampled')];
  await cp(join(dir, 'base'), start, { recursive: true });
  const { model, params, tokenizer } = await loadPretrained(start);
  // 64 wide, so that a student of a quarter has rows of 32 numbers
  const wide = decoder({ ...model.config, width: 64, headWidth: 32, feedForward: 128 });
  const drawn = wide.init(rng(1));
  const generation = { temperature: 0.25, topK: 7 };
  await rm(start, { recursive: true });
  await savePretrained(start, wide, drawn, { tokenizer: tokenizer as Tokenizer, generation });
  for (const tree of [params, drawn]) disposeTree(tree);
  const rows = ['--data', join(dir, 'rows.jsonl'), '--columns', 'prompt=question,completion=answer'];
  const steps = ['--minutes', '0.02', '--fine-tune-steps', '2', '--rl-steps', '1', '--rl-batch-size', '4'];
  await gimbal(
    ...['align', '--model', start, ...rows, '--reward', 'exact', ...steps, '--distil-steps', '2'],
    ...['--distil-batch-size', '4', '--out', out],
  );
  // trained by fine-tuning, then by reinforcement learning; and distilled from that
  for (const folder of ['model', 'student']) {
    const { generation: kept, params: tree } = await loadPretrained(join(out, folder));
    expect([folder, kept]).toEqual([folder, expect.objectContaining(generation)]);
    disposeTree(tree);
  }
}, 120_000);

test('models are averaged with given shares; what does not fit is refused and nothing is written', async () => {
  const names = ['a', 'b', 'c'].map((name) => join(dir, `member-${name}`));
  const { model, tokenizer, params: old } = await loadPretrained(join(dir, 'base'));
  disposeTree(old);
  for (const [i, folder] of names.entries()) {
    const params = model.init(rng(10 + i));
    await savePretrained(folder, model, params, { tokenizer: tokenizer as Tokenizer });
    disposeTree(params);
  }
  const all = names.join(',');
  const valuesOf = async (folder: string): Promise<Map<string, Float32Array>> => {
    const { params } = await loadPretrained(folder);
    const values = new Map(flatten(params).map(([path, t]) => [path, t.dataSync() as Float32Array] as const));
    disposeTree(params);
    return values;
  };
  const members = await Promise.all(names.map(valuesOf));
  const out = (name: string): string => join(dir, `merged-${name}`);
  const merge = (name: string, ...argv: string[]) => gimbal('merge', '--out', out(name), ...argv);
  await merge('equal', '--model', all);
  const twice = await runMain(['merge', '--out', out('twice'), '--model', `${all},${names[1]}`], root);
  expect(twice.stderr).toContain(`${names[1]} holds the very weights of ${names[1]}`);
  expect(twice.stdout).toContain('uniform weights 1/4'); // which weights, as cases.md asks
  const said = await merge('weighed', '--model', all, '--method', 'linear', '--shares', '1,1,2', '--normalize');
  expect(said.note).toBe('weights 1, 1, 2 normalised to 0.25, 0.25, 0.5');
  await merge('task', '--model', all, '--method', 'task', '--scales', '0.5');
  await merge('arc', '--model', `${names[0]},${names[1]}`, '--method', 'slerp', '--lambda', '0', '--dtype', 'bfloat16');
  for (const [name, shares] of [
    ['equal', [1 / 3, 1 / 3, 1 / 3]],
    ['weighed', [0.25, 0.25, 0.5]],
    ['task', [0, 0.5, 0.5]],
    ['arc', [1, 0, 0]],
  ] as const) {
    for (const [path, found] of await valuesOf(out(name))) {
      const wanted = found.map((_, i) =>
        shares.reduce((sum, w, m) => sum + w * (members[m]?.get(path)?.[i] as number), 0),
      );
      // bfloat16 keeps eight bits
      for (const [i, x] of found.entries())
        expect(Math.abs(x - (wanted[i] as number))).toBeLessThan(name === 'arc' ? 2 ** -8 * Math.abs(x) + 1e-9 : 1e-6);
    }
  }
  expect(JSON.parse(await readFile(join(out('arc'), 'config.json'), 'utf8'))).toMatchObject({ dtype: 'bfloat16' });
  expect(JSON.parse(await readFile(join(out('equal'), 'merge.json'), 'utf8'))).toMatchObject({ models: names });
  const written = await gimbal('generate', '--model', out('equal'), '--prompt', '2 + 3 =', '--max-new-tokens', '2');
  expect(written.completions).toHaveLength(1);
  const wide = decoder({
    vocabularySize: model.config.vocabularySize + 1,
    width: 32,
    layers: 2,
    heads: 2,
    contextLength: 32,
  });
  const params = wide.init(rng(0));
  await savePretrained(join(dir, 'wide'), wide, params, { tokenizer: tokenizer as Tokenizer });
  disposeTree(params);
  const refused = async (code: number, message: RegExp, ...argv: string[]): Promise<void> => {
    const r = await runMain(['merge', '--out', out('refused'), ...argv], root);
    expect([r.code, r.stderr]).toEqual([code, expect.stringMatching(message)]);
  };
  await refused(2, /--shares: one for each model is needed.*3 numbers/s, '--model', all, '--shares', '1,2');
  await refused(2, /they do not sum to 1.*--normalize/s, '--model', all, '--shares', '1,1,2');
  await refused(2, /a share is below 0/, '--model', all, '--shares=2,-0.5,-0.5');
  await refused(2, /all are 0/, '--model', all, '--shares', '0,0,0', '--normalize');
  await refused(2, /linear merges several models/, '--model', names[0] as string);
  await refused(2, /--lambda: it is an option of --method slerp/, '--model', all, '--lambda', '0.5');
  await refused(2, /one arc between two/, '--model', all, '--method', 'slerp');
  await refused(2, /--method adapter needs one/, '--model', all, '--method', 'adapter');
  await refused(2, /take the place of a model that it is made of/, '--model', all, '--out', names[1] as string);
  await refused(2, /this is an adapter/, '--model', `${names[0]},${join(dir, 'run', 'adapter')}`);
  await refused(2, /weights in blocks/, '--model', `${names[0]},${join(dir, 'small.gguf')}`);
  await refused(1, /wide.*tensor model.embed_tokens.weight differs/, '--model', `${names[0]},${join(dir, 'wide')}`);
  const file = join(names[2] as string, 'tokenizer.json');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"2"', '"zwei"'));
  await refused(1, /member-c.tokenizer.json: it is another tokenizer: model.vocab/, '--model', all);
  expect((await readdir(dir)).filter((name) => name.includes('refused'))).toEqual([]);
}, 180_000);

test('what is saved is the best of the evaluations, not the last', async () => {
  // eight rows of noise, learnt by heart: the others' loss falls while digits are learnt, then rises
  const noise = rng(9);
  const rows = Array.from({ length: 40 }, (_, i) => ({ question: `${i} of`, answer: `${noise.int(90)}` }));
  await writeFile(join(dir, 'noise.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const columns = ['--columns', 'prompt=question,completion=answer', '--held-out', '32', '--seed', '4'];
  const done = await gimbal(
    ...['sft', '--model', join(dir, 'base'), '--data', join(dir, 'noise.jsonl'), ...columns, '--packing'],
    ...['--steps', '120', '--learning-rate', '3e-2', '--eval-every', '5', '--out', join(dir, 'overfit')],
  );
  expect(done.bestStep).toBeLessThan(120);
  const { model, params, tokenizer } = await loadPretrained(join(dir, 'base'));
  const adapter = await loadAdapter(done.path as string, model.config);
  const data = await readRows(join(dir, 'noise.jsonl'), { columns: { prompt: 'question', completion: 'answer' } });
  const { heldOut } = splitDataset(data, 32, rng(4).split('split'));
  const held = tokenRows(heldOut, tokenizer as Tokenizer, { limit: 32 }).rows;
  const { loss } = await evaluateLoss(model, adaptTree(params, adapter), held);
  expect(loss).toBeCloseTo(done.heldOutLoss as number, 4);
  disposeAdapter(adapter);
  disposeTree(params);
  const early = await gimbal(
    ...['sft', '--model', join(dir, 'base'), '--data', join(dir, 'noise.jsonl'), ...columns, '--padding-free'],
    ...[
      '--steps',
      '400',
      '--learning-rate',
      '3e-2',
      '--eval-every',
      '5',
      '--patience',
      '3',
      '--out',
      join(dir, 'early'),
    ],
  );
  expect(early.steps).toBe((early.bestStep as number) + 15);
});

test('what is missing is said before work starts', async () => {
  const noOut = await runMain(['quantize', '--model', join(dir, 'base')], root);
  expect([noOut.code, noOut.stderr]).toEqual([2, expect.stringMatching(/nothing says which file to write/)]);
  const noRows = await runMain(
    ['sft', '--model', join(dir, 'base'), '--data', join(dir, 'rows.jsonl'), '--out', join(dir, 'none')],
    root,
  );
  expect([noRows.code, noRows.stderr]).toEqual([2, expect.stringMatching(/columns are those of no kind of row/)]);
});

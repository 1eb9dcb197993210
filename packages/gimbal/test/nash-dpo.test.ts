// gimbal dpo and gimbal nash-md on a small model of our own.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import type { MatrixResult } from '../src/nash/matrix-result.ts';
import { runCli } from './cli-process.ts';
import { resultOf, runMain } from './run-main.ts';
import { tinyColumns as columns, writeTinyPairs } from './tiny-pairs.ts';

const root = new URL('../src/', import.meta.url);
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'gimbal-nash-'));
  await useBackend('auto');
  await writeTinyPairs(dir);
});
afterAll(() => rm(dir, { recursive: true }));

const gimbal = (...argv: string[]): Promise<Record<string, unknown>> => resultOf(argv, root);

test('dpo learns the pairs, with an adapter and with all weights, and writes what it made', async () => {
  const common = ['dpo', '--model', join(dir, 'base'), '--data', join(dir, 'pairs.jsonl'), '--columns', columns];
  for (const [lora, loss, folder] of [
    ['4', 'sigmoid', 'adapter'],
    ['0', 'ipo', 'model'],
  ] as const) {
    const out = join(dir, `dpo-${lora}`);
    const made = await gimbal(
      ...common,
      '--lora',
      lora,
      '--loss',
      loss,
      '--steps',
      '40',
      '--learning-rate',
      '3e-2',
      '--out',
      out,
    );
    expect(made.heldOutAccuracy).toBe(1);
    expect(await readdir(join(out, folder))).toContain(lora === '0' ? 'config.json' : 'adapter_config.json');
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('Implicit rewards');
  }
});

test('dpo refuses what it cannot use', async () => {
  const refused = async (...argv: string[]): Promise<string> => {
    const { code, stderr } = await runMain(['dpo', '--model', join(dir, 'base'), ...argv], root);
    expect(code).not.toBe(0);
    return stderr;
  };
  const data = ['--data', join(dir, 'pairs.jsonl')];
  expect(await refused(...data, '--columns', columns, '--loss', 'ipo', '--label-smoothing', '0.1')).toContain(
    'ipo has none',
  );
  expect(await refused(...data, '--columns', columns, '--max-length', '3', '--out', join(dir, 'x'))).toContain(
    'longer than the model',
  );
  expect(await refused(...data, '--out', join(dir, 'x'))).toContain('question');
});

/** What every run of nash-md here begins with. */
const nashMd = (): string[] => [
  ...['nash-md', '--model', join(dir, 'base')],
  ...['--data', join(dir, 'pairs.jsonl'), '--columns', 'prompt=question'],
];

test('nash-md trains a model against a function, and says how often it wins', async () => {
  const common = nashMd();
  const judge = ['--preference', join(dir, 'judge.mjs'), '--max-new-tokens', '6', '--comparisons', '60', '--remember'];
  const out = join(dir, 'nash');
  const made = await gimbal(
    ...common,
    ...judge,
    '--lora',
    '0',
    '--steps',
    '25',
    '--learning-rate',
    '1e-2',
    '--out',
    out,
  );
  const { value, low, high } = made.winRateAgainstStart as { value: number; low: number; high: number };
  expect(value).toBeGreaterThan(0.6);
  expect(low).toBeLessThan(value);
  expect(high).toBeGreaterThan(value);
  expect(await readdir(join(out, 'model'))).toContain('model.safetensors');
  expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('What it writes');
  const { code, stderr } = await runMain([...common, '--out', join(dir, 'y')], root);
  expect(code).not.toBe(0);
  expect(stderr).toContain('who is preferred?');
  for (const [flags, said] of [
    [['--opponent', 'ema', '--mixture-coef', '0.5'], '--mixture-coef: --opponent ema has no such option'],
    [['--ema-decay', '0.5'], '--ema-decay: --opponent mixture has no such option'],
    [['--objective', 'online-ipo', '--missing-eos-penalty', '1'], '--objective online-ipo has no such option'],
    [['--mixture-coef', '1', '--deploy', 'mixture'], 'gimbal nash-md --deploy: with mixtureCoef 1'],
  ] as const)
    expect((await runMain([...common, ...judge, ...flags, '--out', join(dir, 'z')], root)).stderr).toContain(said);
});

test('nash-md asks conversations by the chat template, and trains a best response to a model', async () => {
  const turns = (n: number) => [{ role: 'user', content: `${n} is` }];
  const rows = Array.from({ length: 12 }, (_, i) =>
    i % 2 === 0 ? { prompt: turns(i) } : { prompt: [...turns(i), { role: 'assistant', content: 'odd' }] },
  );
  const whole = rows.map(({ prompt }) => ({ messages: prompt }));
  // what is asked is what was said, its turns are beside it; the answer that was there is not
  const judge = `export default (prompts, a, b, rows) => a.map((x, i) => {
    if (!/^\\d+ is$/.test(prompts[i]) || rows[i].messages.length !== 1) throw new Error(JSON.stringify([prompts[i], rows[i]]));
    return 1 / (1 + Math.exp(b[i].split("e").length - x.split("e").length));
  });\n`;
  await writeFile(join(dir, 'chat-judge.mjs'), judge);
  for (const [name, list] of [
    ['prompts', rows],
    ['messages', whole],
  ] as const)
    await writeFile(join(dir, `${name}.jsonl`), list.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const common = ['--preference', join(dir, 'chat-judge.mjs'), '--max-new-tokens', '4', '--comparisons', '20'];
  const model = ['nash-md', '--model', join(dir, 'base'), '--lora', '4', '--steps', '2', '--batch-size', '4'];
  for (const name of ['prompts', 'messages']) {
    const out = join(dir, `chat-${name}`);
    const made = await gimbal(
      ...model,
      ...common,
      '--data',
      join(dir, `${name}.jsonl`),
      '--out',
      out,
      '--against',
      join(dir, 'base'),
    );
    expect(made.winRateAgainst).toMatchObject({ comparisons: 20 });
    expect(await readFile(join(out, 'report.html'), 'utf8')).toContain('above one half it is exploitable');
  }
  const flags = ['--inverse-step', '1', '--inner-steps', '1', '--orders', 'both', '--missing-eos-penalty', '0.1'];
  const halves = [
    '--objective',
    'nash-mp',
    ...flags,
    '--data',
    join(dir, 'prompts.jsonl'),
    '--out',
    join(dir, 'halves'),
  ];
  expect((await gimbal(...model, ...common, ...halves)).steps).toBe(2);
  const matrix = [
    'eval',
    '--matrix',
    `a=${join(dir, 'base')},b=${join(dir, 'base')}+${join(dir, 'chat-prompts', 'adapter')}`,
  ];
  const played = await gimbal(...matrix, ...common, '--data', join(dir, 'messages.jsonl'));
  expect(played.models).toEqual(['a', 'b']);
  const { code, stderr } = await runMain(
    [
      ...model,
      ...common,
      '--data',
      join(dir, 'prompts.jsonl'),
      '--against',
      join(dir, 'base'),
      '--mixture-coef',
      '0.5',
    ],
    root,
  );
  expect(code).not.toBe(0);
  expect(stderr).toContain('the opponent is the model that is named');
});

test('eval --matrix plays models against each other, and says who is strongest', async () => {
  const data = [
    '--data',
    join(dir, 'pairs.jsonl'),
    '--columns',
    'prompt=question',
    '--preference',
    join(dir, 'judge.mjs'),
  ];
  const models = `start=${join(dir, 'base')},trained=${join(dir, 'nash', 'model')},dpo=${join(dir, 'base')}+${join(dir, 'dpo-4', 'adapter')}`;
  const page = join(dir, 'matrix.html');
  const made = (await gimbal(
    'eval',
    '--matrix',
    models,
    ...data,
    '--max-new-tokens',
    '6',
    '--comparisons',
    '60',
    '--temperature',
    '1',
    '--out',
    page,
  )) as unknown as MatrixResult;
  expect(made.models).toEqual(['start', 'trained', 'dpo']);
  expect(made.rates[1]?.[0]).toBeGreaterThan(0.6);
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++)
      expect((made.rates[i]?.[j] as number) + (made.rates[j]?.[i] as number)).toBeCloseTo(1, 9);
  expect(made.elo[1]).toBeGreaterThan(made.elo[0] as number);
  expect(await readFile(page, 'utf8')).toContain('Nash skill');
  // the best of the others against a model is the largest entry of its column
  for (let j = 0; j < 3; j++)
    expect(made.exploitability[j]).toBeCloseTo(Math.max(...made.rates.map((row) => row[j] as number)) - 0.5, 12);
  // greedy answers are compared once a prompt, in one order or the other
  const greedy = ['--max-new-tokens', '6', '--temperature', '0', '--comparisons', '500'];
  const once = (await gimbal('eval', '--matrix', models, ...data, '--rows', '5', ...greedy)) as unknown as MatrixResult;
  expect(once.comparisons).toBe(5);
  // mixtures with the start: of weight 1 it is the start itself, with the same greedy answers
  const [base, dpo, nash] = ['base', 'dpo-4/adapter', 'nash/model'].map((folder) => join(dir, folder));
  const mixed = `start=${base},all=${base}+${dpo}@1,half=${nash}@.5@${base}`;
  const mixture = (await gimbal(
    'eval',
    '--matrix',
    mixed,
    ...data,
    '--rows',
    '5',
    ...greedy,
  )) as unknown as MatrixResult;
  expect(mixture.models).toEqual(['start', 'all', 'half']);
  expect(mixture.rates[2]?.[0]).toBe(mixture.rates[2]?.[1]);
  for (const [argv, said] of [
    [['eval', '--matrix', `${base},${nash}@.5`, ...data], `Name it behind the weight: ${nash}@.5@START`],
    [['eval', '--matrix', models, ...data, '--metrics', 'rouge'], 'gimbal eval --metrics: with --matrix'],
    [['eval', '--model', join(dir, 'base'), ...data], 'gimbal eval --preference: it is of --matrix'],
    [['eval', '--matrix', models, ...data, '--preference', 'ftp://judge'], 'no such preference; got "ftp://judge"'],
    [
      ['eval', '--matrix', `a=${join(dir, 'base')},b=${join(dir, 'dpo-4', 'adapter')}`, ...data],
      `Say what it was trained on: b=BASE+${join(dir, 'dpo-4', 'adapter')}`,
    ],
    [['eval', '--matrix', `10=${join(dir, 'base')},2=${join(dir, 'base')}`, ...data], 'Give each a name with letters'],
  ] as const)
    expect((await runMain([...argv], root)).stderr).toContain(said);
  const { code, stderr } = await runMain(['eval', '--matrix', join(dir, 'base'), ...data], root);
  expect(code).not.toBe(0);
  expect(stderr).toContain('two models or more');
  const broken = join(dir, 'broken.mjs');
  await writeFile(broken, "export default () => { throw new Error('down'); };\n");
  const argv = ['eval', '--matrix', models, ...data, '--preference', broken, '--comparisons', '2'];
  const failed = await runMain([...argv, '--max-new-tokens', '2'], root);
  expect(failed.code).toBe(1); // the usage was right
  expect(failed.stderr).toContain('down');
  expect(failed.stderr).toContain('Run it again when it answers');
});

test('a preference that never answers ends the command with a word, not in silence', async () => {
  const preference = join(dir, 'never.mjs');
  await writeFile(preference, 'export default () => new Promise(() => {});\n');
  const { code, stderr } = await runCli(
    [
      ...nashMd(),
      '--preference',
      preference,
      '--steps',
      '1',
      '--batch-size',
      '2',
      '--max-new-tokens',
      '2',
      '--out',
      'never',
    ],
    dir,
  );
  expect(code).toBe(1);
  expect(stderr).toContain('a function returned a promise that never settles');
}, 120_000);

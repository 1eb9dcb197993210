import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { main } from '../src/cli/main.ts';
import { parseLine } from '../src/cli/parse.ts';
import { runMain } from './run-main.ts';

let folder: string;
let before: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-cli-'));
  before = process.cwd();
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true, force: true });
});

const understood = async (...argv: string[]): Promise<{ [name: string]: unknown }> => {
  const { code, stdout, stderr } = await runMain(['train', ...argv, '--json']);
  if (code !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as { options: { [name: string]: unknown } }).options;
};
const refused = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await runMain(['train', ...argv]);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  return stderr;
};
const yaml = async (text: string): Promise<string> => {
  await writeFile('train.yaml', text);
  return 'train.yaml';
};

describe('values of options', () => {
  test('numbers of a config file are numbers, and words for no are false', async () => {
    const file = await yaml('learningRate: 1e-5\nshuffle: no\npacking: off\nseed: "7"\n');
    expect(await understood('--config', file)).toMatchObject({
      learningRate: 1e-5,
      shuffle: false,
      packing: false,
      seed: 7,
      steps: 100,
    });
  });

  test('a number with an underscore is refused with file and line', async () => {
    const file = await yaml('learningRate: 1e-5\nsteps: 1_000\n');
    expect(await refused('--config', file)).toMatchInlineSnapshot(`
      "error train.yaml:2 (steps): not a number; got "1_000", wanted a whole number ≥ 1
      "
    `);
  });

  test('flags are read as strictly', async () => {
    expect(await understood('--learning-rate', '1e-5', '--no-shuffle', '--steps', '1e3')).toMatchObject({
      learningRate: 1e-5,
      shuffle: false,
      steps: 1000,
    });
    expect(await understood('--shuffle', 'false', '--packing', 'yes')).toMatchObject({ shuffle: false, packing: true });
    expect(await understood('--shuffle=off', '--packing')).toMatchObject({
      shuffle: false,
      packing: true,
    });
    expect(await refused('--steps', '10.5')).toMatchInlineSnapshot(`
      "error gimbal train --steps: not a whole number; got "10.5", wanted a whole number ≥ 1
      "
    `);
    expect(await refused('--steps', '1_000')).toContain('not a number; got "1_000", wanted a whole number ≥ 1');
    expect(await refused('--steps', '0')).toContain('out of range; got 0, wanted a whole number ≥ 1');
    expect(await refused('--learning-rate', 'Infinity')).toContain('not a number');
    expect(await refused('--learning-rate', '0x10')).toContain('not a number');
  });

  test('the printed options show what was understood', async () => {
    const { stdout } = await runMain(['train', '--steps', '1e3', '--no-shuffle']);
    expect(JSON.parse(stdout)).toMatchObject({ steps: 1000, shuffle: false });
  });

  test('a boolean flag does not swallow the word behind it', async () => {
    const { stdout } = await runMain(['train', '--packing', 'gemm', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      options: { packing: true },
      words: ['gemm'],
    });
  });

  test('flags win over the file, and the file over defaults', async () => {
    const file = await yaml('steps: 5\nlabel: 007\n');
    expect(await understood('--config', file, '--steps', '6')).toMatchObject({
      steps: 6,
      label: '007',
    });
  });

  test('a list grows with each flag, of a number the last counts', async () => {
    expect(await understood('--layers', '1,2', '--layers', '3', '--steps', '5', '--steps', '6')).toMatchObject({
      layers: [1, 2, 3],
      steps: 6,
    });
  });

  test('a map grows with each flag too', async () => {
    expect(await understood('--columns', 'prompt=q', '--columns', 'completion=a')).toMatchObject({
      columns: { prompt: 'q', completion: 'a' },
    });
  });

  test('maps, lists, choices and alternatives', async () => {
    const file = await yaml('columns: { prompt: question, completion: answer }\nlayers: [1, 2]\nsize: 3\n');
    expect(await understood('--config', file)).toMatchObject({
      columns: { prompt: 'question', completion: 'answer' },
      layers: [1, 2],
      size: 3,
    });
    expect(
      await understood('--columns', 'prompt=question,completion=answer', '--layers', '1,2', '--size', 'auto'),
    ).toMatchObject({
      columns: { prompt: 'question', completion: 'answer' },
      layers: [1, 2],
      size: 'auto',
    });
    expect(await refused('--optimizer', 'adamv')).toMatchInlineSnapshot(`
      "error gimbal train --optimizer: unknown value; got "adamv", wanted one of adamw, sgd. Did you mean adamw?
      "
    `);
    expect(await refused('--columns', 'question')).toContain('wanted pairs name=value');
  });
});

describe('wrong usage', () => {
  test('an unknown flag names the nearest one', async () => {
    expect(await refused('--stesp', '5')).toMatchInlineSnapshot(`
      "error gimbal train: unknown option --stesp. Did you mean --steps?
      "
    `);
    expect(await refused('--no-shufle')).toContain('Did you mean --shuffle?');
  });

  test('an unknown option of a file names the nearest one, with file and line', async () => {
    const file = await yaml('# options\nlearningrate: 1\n');
    expect(await refused('--config', file)).toContain(
      'train.yaml:2: unknown option learningrate. Did you mean learningRate?',
    );
  });

  test.each([
    ['steps: 1\nsteps: 2\n', /train.yaml:2: not valid YAML/],
    ['steps: [1\n', /train.yaml:\d: not valid YAML/],
    ['- 1\n', /train.yaml:1: no options/],
    ['steps: [1, 2]\n', /train.yaml:1 \(steps\): not a number; got \[1,2\]/],
    ['shuffle: maybe\n', /train.yaml:1 \(shuffle\): neither true nor false; got "maybe"/],
  ])('a file that says %j', async (text, message) => {
    expect(await refused('--config', await yaml(text))).toMatch(message);
  });

  test('an option set in two spellings, and an alias of nothing, are refused with file and line', async () => {
    const twice = await yaml('learning-rate: 1\nlearningRate: 2\n');
    expect(await refused('--config', twice)).toBe(
      'error train.yaml:2: learningRate is set twice. Leave one of the two out.\n',
    );
    const alias = await yaml('steps: 1\nlearningRate: *nothing\n');
    expect(await refused('--config', alias)).toContain('error train.yaml:2: not valid YAML: Unresolved alias');
  });

  test('a word that is neither true nor false behind a known flag', async () => {
    expect(await refused('--shuffle=maybe')).toBe(
      'error gimbal train --shuffle: not a value of this flag; wanted true or false\n',
    );
  });

  test('a config file that is not there', async () => {
    expect(await refused('--config', 'nowhere.yaml')).toContain('--config nowhere.yaml: cannot be read (ENOENT)');
  });

  test('an unknown command names the nearest one', async () => {
    const { code, stderr } = await runMain(['trian']);
    expect(code).toBe(2);
    expect(stderr).toContain('Did you mean gimbal train?');
  });

  test('a file without its flag is told which', async () => {
    const options = [
      {
        name: 'data',
        flag: 'data',
        kind: { type: 'string' },
        description: '',
        default: undefined,
        required: false,
      } as const,
    ];
    expect(() => parseLine('align', ['rows.jsonl'], options, [])).toThrow(
      /got "rows.jsonl"\. Did you mean --data rows.jsonl\?/,
    );
    expect(() => parseLine('align', ['rows'], options, [])).toThrow(/got "rows"\. See gimbal align --help/);
    const model = { name: 'model', flag: 'model', description: '', default: undefined, required: true } as const;
    const several = [{ ...model, kind: { type: 'list', of: { type: 'string' } } }] as unknown as typeof options;
    expect(() => parseLine('merge', ['a', 'b', 'c'], several, [])).toThrow(/got "a"\. Did you mean --model a,b,c\?/);
    expect(() => parseLine('merge', ['--model', 'a', 'b'], several, [])).toThrow(/got "b"\. See gimbal merge --help/);
  });

  test('a flag without its value, and an unknown backend', async () => {
    expect(await refused('--steps')).toContain('--steps needs a value');
    expect(await refused('--backend', 'natve')).toContain('Did you mean native?');
  });
});

describe('help', () => {
  test('lists the commands', async () => {
    const { code, stdout } = await runMain(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('train      Say what was understood.');
  });

  test('shows every option with its default and a sentence', async () => {
    const { stdout } = await runMain(['train', '--help']);
    expect(stdout).toMatch(/--learning-rate <number> +step size of the optimiser \(default 0.0003\)/);
    expect(stdout).toMatch(/--no-shuffle +do not draw rows in random order/);
    expect(stdout).toMatch(/--seed <n> +seed of every random stream \(default 0\)/);
    for (const name of ['config', 'json', 'trace', 'backend', 'threads', 'out']) expect(stdout).toContain(`--${name}`);
    // it keeps no run that could be gone on with
    expect(stdout).not.toContain('--resume');
  });
});

describe('exit codes and messages', () => {
  test.each([
    ['data', 2, 'error rows.jsonl:3: not JSON; got "{\\"a\\""'],
    ['nan', 1, 'error matMul at step 7: NaN in the loss'],
    ['stopped', 130, 'stopped pretrain: stopped at step 9'],
    ['disk', 1, 'error runs/a/model.safetensors: the disk is full'],
    ['check', 1, ''],
    ['fault', 1, 'error x is not a function'],
  ])('%s', async (how, code, message) => {
    const result = await runMain(['fail', '--how', how]);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.stdout).toBe('');
  });

  test('a reader that leaves early is no failure', async () => {
    const gone = (): Writable =>
      new Writable({
        write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
      });
    const root = new URL('./fixtures/', import.meta.url);
    expect(await main(['--help'], { root, streams: { stdout: gone(), stderr: gone() } })).toBe(0);
    await new Promise((done) => setImmediate(done)); // an error of a stream comes a moment later
  });

  test('--trace shows where it happened', async () => {
    expect((await runMain(['fail', '--how', 'fault', '--trace'])).stderr).toMatch(/\n\s+at .*fail\.ts/);
  });

  test('with --json, stdout holds the result alone', async () => {
    const { stdout, stderr } = await runMain(['train', '--json']);
    expect(() => JSON.parse(stdout)).not.toThrow();
    expect(stderr).toBe('a note\n');
  });
});

describe('help of what this version has', () => {
  const root = new URL('../src/', import.meta.url);

  test('an option that is needed and left out: what it is', async () => {
    const { code, stderr } = await runMain(['sft', '--data', 'rows.jsonl'], root);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^error gimbal sft: --model is needed; wanted .*folder/)]);
  });

  test('help <command> is <command> --help; an unknown one is refused', async () => {
    const [asked, flag] = [await runMain(['help', 'generate'], root), await runMain(['generate', '--help'], root)];
    expect(asked).toEqual(flag);
    expect(asked.stdout).toContain('gimbal generate [options]');
    expect((await runMain(['help', 'genrate'], root)).stderr).toContain('Did you mean gimbal generate?');
  });

  test('what a flag --no-… switches off reads behind “do not”', async () => {
    const { stdout: list } = await runMain(['--help'], root);
    const commands = [...list.matchAll(/^ {2}([a-z][a-z0-9-]*) {2,}\S/gm)].map((found) => found[1] as string);
    expect(commands).toContain('control');
    for (const command of commands) {
      const { stdout } = await runMain([command, '--help'], root);
      const off = [...stdout.matchAll(/--no-[a-z-]+ +do not (\S+)/g)].map((found) => found[1]);
      expect([command, off.filter((word) => /^(?:the|an?|of|whether|how|what)$/.test(word as string))]).toEqual([
        command,
        [],
      ]);
    }
    expect((await runMain(['control', 'train', '--help'], root)).stdout).toMatch(/--no-double +do not use the double/);
  });

  test('bench lists its suites, reproduce its papers and claims', async () => {
    const { stdout } = await runMain(['bench', '--help'], root);
    expect(stdout).toMatch(/Suites\n(.*\n)* {2}gemm +\S/);
    const papers = (await runMain(['reproduce', '--help'], root)).stdout;
    expect(papers).toMatch(/Papers and their claims\n(.*\n)* {2}fma-pg +\d+ claims\n(.*\n)* +C9 +\S/);
  });

  test.each([
    ['--dora', '--dora'],
    ['--lora-targets', '--lora-targets', 'q_proj'],
    ['--lora-alpha', '--lora-alpha', '4'],
  ])('sft --lora 0 with %s: there is no adapter that it could be of', async (flag, ...argv) => {
    const { code, stderr } = await runMain(['sft', '--model', 'm', '--data', 'd.jsonl', '--lora', '0', ...argv], root);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`gimbal sft ${flag}: --lora 0 trains all weights`)]);
  });

  test.each([
    ['generate', '--prompt', 'x'],
    ['sft', '--data', 'rows.jsonl'],
    ['eval', '--data', 'rows.jsonl'],
    ['quantize', '--out', 'x.gguf'],
    ['merge', '--out', 'x', '--adapter', 'y'],
    ['align', '--data', 'rows.jsonl'],
    ['rl', '--reward', 'world:newsroom'],
    ['dpo', '--data', 'rows.jsonl'],
    ['nash-md', '--preference', 'world:newsroom'],
    ['reward', '--data', 'rows.jsonl'],
    ['warm', '--data', 'rows.jsonl'],
  ])('%s: a model or data that is not there is wrong usage', async (...argv) => {
    const cwd = process.cwd();
    const folder = mkdtempSync(join(tmpdir(), 'gimbal-usage-'));
    try {
      process.chdir(folder);
      const { code, stderr } = await runMain([...argv, '--model', './none', '--backend', 'cpu'], root);
      expect([code, stderr]).toEqual([2, expect.stringContaining('no such file')]);
      // nothing is left of a refused run
      expect(readdirSync(folder).flatMap((name) => (name === 'runs' ? readdirSync(join(folder, name)) : name))).toEqual(
        [],
      );
    } finally {
      process.chdir(cwd);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

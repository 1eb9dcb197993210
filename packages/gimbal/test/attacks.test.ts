// What can go wrong around a run: other processes, signals, disks, wrong words, odd data. Each ends in an error that
// says what to do, and nothing that was finished is lost.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { untilLogged } from './align-job.ts';
import { type Ended, runCli, startCli } from './cli-process.ts';

const timeoutMs = 180_000;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-attack-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const tiny = [
  '--size',
  'tiny',
  '--articles',
  '200',
  '--held-out',
  '8',
  '--threads',
  '1',
  '--preference-pairs',
  '0',
  '--no-distil',
];
const job = (steps: number): string[] => [...tiny, '--pretrain-steps', `${steps}`, '--fine-tune-steps', '10'];
const align = (...argv: string[]): Promise<Ended> => runCli(['align', ...argv], cwd);
const weights = (run: string): Promise<Buffer> => readFile(join(cwd, 'runs', run, 'model/model.safetensors'));

describe('other processes', () => {
  test(
    'two runs of one job at once in one cache both end, with one model',
    async () => {
      const both = await Promise.all([align(...job(20), '--out', 'a'), align(...job(20), '--out', 'b')]);
      for (const { code, stderr } of both) expect([code, stderr]).toEqual([0, expect.any(String)]);
      expect((await weights('a')).equals(await weights('b'))).toBe(true);
      // nothing half made stays behind
      const left = await readdir(join(cwd, 'runs/.cache'), { recursive: true });
      expect(left.filter((name) => name.includes('.partial'))).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'a run that is being worked on is refused to a second process; Ctrl-C twice ends at once, and --resume goes on',
    async () => {
      const { child, ended } = startCli(['align', ...job(3000), '--pretrain-evaluations', '300', '--out', 'a'], cwd);
      await untilLogged(join(cwd, 'runs/a'), 15, ended);
      const second = await align('--out', 'a', '--resume');
      expect([second.code, second.stderr]).toEqual([2, expect.stringMatching(/another process works in runs\/a/)]);

      child.kill('SIGINT');
      await new Promise((resolve) => setTimeout(resolve, 500)); // closer ones are one press, which npm passes on
      child.kill('SIGINT');
      expect((await ended).code).toBe(130);
      const resumed = startCli(['align', '--out', 'a', '--resume'], cwd);
      await new Promise<void>((resolve) => {
        resumed.child.stderr?.on('data', () => resumed.stderr().includes('goes on from step') && resolve());
      });
      resumed.child.kill('SIGINT');
      expect(await resumed.ended).toMatchObject({
        code: 130,
        stderr: expect.stringContaining('--out runs/a --resume'),
      });
      expect(await readdir(join(cwd, 'runs/a'))).not.toContain('.lock');
    },
    timeoutMs,
  );

  test(
    'stdin may be closed',
    async () => {
      const bin = fileURLToPath(new URL('../bin/gimbal.mjs', import.meta.url));
      const child = spawn('sh', ['-c', `exec "$0" "$@" <&-`, process.execPath, bin, 'align', ...job(2)], { cwd });
      expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    },
    timeoutMs,
  );
});

describe('disks', () => {
  /** Makes the working directory a small file system of its own. */
  function mount(folder: string, ...options: string[]): void {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options.join(','), 'tmpfs', folder], { stdio: 'pipe' });
  }

  const withDisks = mayMount() ? test : test.skip;
  function mayMount(): boolean {
    const folder = mkdtempSync(join(tmpdir(), 'mount-'));
    try {
      mount(folder, 'size=4k');
      execFileSync('umount', [folder]);
      return true;
    } catch (error) {
      console.warn(`skipped: no file system can be mounted here (${String(error).split('\n')[0]})`);
      return false;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  withDisks(
    'a full disk keeps the last checkpoint, and the run goes on when there is room',
    async () => {
      const whole = [...job(60), '--pretrain-evaluations', '20'];
      mount(cwd, 'size=4m');
      try {
        const full = await align(...whole, '--out', 'a');
        expect([full.code, full.stderr]).toEqual([1, expect.stringMatching(/error .*: the disk is full\. Make room/)]);
        expect(full.stderr).toContain('go on with: npx gimbal align --out runs/a --resume');
        execFileSync('mount', ['-o', 'remount,size=64m', cwd]);
        const resumed = await align('--out', 'a', '--resume');
        expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringContaining('60 steps')]);
        const log = await readFile(join(cwd, 'runs/a/metrics.jsonl'), 'utf8');
        const steps = log.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as { step: number }]));
        expect(steps.map(({ step }) => step)).toEqual([...Array(60).keys(), ...Array(10).keys()].map((i) => i + 1));
      } finally {
        execFileSync('umount', [cwd]);
      }
    },
    timeoutMs,
  );

  withDisks(
    'a read-only folder is refused before any work',
    async () => {
      mount(cwd, 'size=1m', 'ro');
      try {
        const { code, stderr } = await align(...job(2));
        expect([code, stderr]).toEqual([2, expect.stringMatching(/the folder .*runs cannot be made \(EROFS\)/)]);
      } finally {
        execFileSync('umount', [cwd]);
      }
    },
    timeoutMs,
  );

  withDisks(
    'a read-only working directory is no obstacle where --out lies elsewhere',
    async () => {
      const elsewhere = await mkdtemp(join(tmpdir(), 'gimbal-out-'));
      mount(cwd, 'size=1m', 'ro');
      try {
        const { code, stderr } = await align(...job(2), '--out', join(elsewhere, 'a'));
        expect([code, stderr]).toEqual([0, expect.any(String)]);
        expect(await readdir(join(elsewhere, 'a'))).toContain('report.html');
      } finally {
        execFileSync('umount', [cwd]);
        await rm(elsewhere, { recursive: true });
      }
    },
    timeoutMs,
  );

  test(
    '--out inside a file is refused by every command, before any work',
    async () => {
      await writeFile(join(cwd, 'file'), '');
      const model = ['--model', 'none', '--prompt', 'a'];
      for (const argv of [
        ['align', ...job(2)],
        ['generate', ...model],
        ['bench', 'gemm'],
        ['reproduce', 'fma-pg', '--claim', 'C9'],
      ]) {
        const { code, stderr } = await runCli([...argv, '--out', 'file/out'], cwd);
        expect([argv[0], code, stderr]).toEqual([argv[0], 2, expect.stringContaining(`gimbal ${argv[0]} --out: `)]);
        expect(stderr).toContain('file');
      }
      expect(await readdir(cwd)).toEqual(['file']);
    },
    timeoutMs,
  );
});

test(
  'a loss that is no number names the stage, the step and the option',
  async () => {
    const { code, stderr } = await align(...job(40), '--pretrain-learning-rate', '1e30', '--out', 'a');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /error stage pretrain, training, step \d+: .*Start a new run with a lower --pretrain-learning-rate than 1e\+30/,
    );
    const again = await align(...job(40), '--out', 'b');
    expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/✓ tokenizer +cached/)]);
  },
  timeoutMs,
);

describe('odd data', () => {
  const rows = async (text: string, name = 'rows.jsonl'): Promise<Ended> => {
    await writeFile(join(cwd, name), text);
    return await align(
      '--data',
      name,
      ...tiny.slice(0, 2),
      '--pretrain-steps',
      '2',
      '--fine-tune-steps',
      '2',
      '--distil-steps', // by itself it takes as long as the default minutes leave it
      '2',
      '--json',
    );
  };
  const line = (prompt: string, completion: string): string => JSON.stringify({ prompt, completion });

  test(
    'one row is too few, two and three are enough',
    async () => {
      const one = await rows(`${line('a b', 'c')}\n`);
      expect([one.code, one.stderr]).toEqual([
        2,
        expect.stringMatching(/there is one row only, so none can be held out\. Add rows/),
      ]);
      for (const count of [2, 3]) {
        const few = await rows(Array.from({ length: count }, (_, i) => `${line(`a ${i}`, `b ${i}`)}\n`).join(''));
        expect([few.code, few.stderr]).toEqual([0, expect.stringContaining(`${count - 1} rows`)]);
        const run = (JSON.parse(few.stdout) as { run: string }).run;
        expect(await readFile(join(cwd, run, 'report.html'), 'utf8')).not.toMatch(/NaN|undefined/);
      }
    },
    timeoutMs,
  );

  test(
    'held-out rows of empty texts are evaluated; a column nested beyond the call stack is refused by line',
    async () => {
      await writeFile(join(cwd, 'empty.jsonl'), '{"text": ""}\n{"text": "a b"}\n');
      // of these two rows this seed holds the empty one out
      const empty = await align('--data', 'empty.jsonl', '--size', 'tiny', '--pretrain-steps', '2', '--seed', '1');
      expect([empty.code, empty.stderr]).toEqual([0, expect.stringContaining('0.00 characters each')]);
      const deep = await rows(`{"text": "a"}\n{"text": "b", "x": ${'['.repeat(2e5)}${']'.repeat(2e5)}}\n`);
      expect([deep.code, deep.stderr]).toEqual([
        2,
        expect.stringMatching(/rows\.jsonl:2: a column is nested too deep/),
      ]);
    },
    timeoutMs,
  );

  test(
    'a byte order mark, CR LF and every script',
    async () => {
      const texts = ['naïve café', 'Привет, мир', '日本語のテキスト', '👩‍👩‍👧 🇧🇷', 'a\u2028b\u0085c', 'עברית'];
      const text = texts.flatMap((t, i) => [line(t, `${t} ${i}`), line(`${i} ${t}`, t)]).join('\r\n');
      const { code, stderr } = await rows(`\ufeff${text}`);
      expect([code, stderr]).toEqual([0, expect.stringMatching(/11 rows .* 1 held out/)]);
      const plain = await rows(`\ufeff${texts.join('\r\n\r\n')}`, 'book.txt');
      expect([plain.code, plain.stderr]).toEqual([0, expect.stringMatching(/5 rows .* 1 held out/)]);
    },
    timeoutMs,
  );

  test(
    'a JSON array is told from rows, with the command that converts it',
    async () => {
      const array = JSON.stringify(Array.from({ length: 4 }, (_, i) => ({ prompt: `p ${i}`, completion: `c ${i}` })));
      const { code, stderr } = await rows(array);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/rows\.jsonl:1: this is a JSON array.*one object a line/),
      ]);
      const json = await rows(array, 'rows.json');
      expect([json.code, json.stderr]).toEqual([2, expect.stringMatching(/not read.*convert it: node -e/)]);
      // the command does as it says
      const command = /convert it: (node -e .* > rows\.lines\.jsonl)/.exec(json.stderr)?.[1] ?? '';
      execFileSync('sh', ['-c', command], { cwd });
      expect(
        (
          await align(
            '--data',
            'rows.lines.jsonl',
            ...tiny.slice(0, 2),
            '--pretrain-steps',
            '1',
            '--fine-tune-steps',
            '1',
            '--no-distil',
          )
        ).code,
      ).toBe(0);
    },
    timeoutMs,
  );
});

describe('wrong words', () => {
  const refused = async (argv: string[], message: RegExp, code = 2): Promise<void> => {
    const ended = await runCli(argv, cwd);
    expect([argv.join(' '), ended.code, ended.stderr]).toEqual([argv.join(' '), code, expect.stringMatching(message)]);
    expect(ended.stdout).toBe('');
  };

  test(
    'are refused at once, in the words of the command line',
    async () => {
      await refused(
        ['align', '--heads', '3', '--width', '64'],
        /gimbal align --heads: the width is divided among the heads.*got "width 64, 3 heads".*--width 66 --heads 3/,
      );
      await refused(['align', '--size', 'tiny', '--heads', '5'], /width 64 \(of size tiny\), 5 heads/);
      await refused(['align', '--data', ''], /gimbal align --data: empty; got "", wanted text that is not empty/);
      await refused(['align', '--model', 'm', '--size', 'tiny'], /--size: the model is given by --model/);
      await refused(['generate', '--model', 'm', '--prompt', 'a', '--stop', ''], /--stop: empty/);
      await refused(
        ['generate', '--model', 'm', '--prompt', 'a', '--resume'],
        /generate --resume: this command keeps nothing/,
      );
      await refused(['bench', 'gemm', '--resume'], /bench --resume: this command keeps nothing/);
      await refused(['doctor', '--out', 'a'], /doctor writes no file/);
      await refused(
        ['align', '--backend', 'webgpu'],
        /--backend webgpu: .* is not installed\. (npm install|npx pnpm@\S+ add -w) webgpu @tensorflow/,
        1,
      );
      await refused(['align', '--colums', 'prompt=q'], /unknown option --colums\. Did you mean --columns\?/);
      // a value that cannot be is wrong usage, whether it is a path or a number
      await refused(['align', '--held-out', '1.5'], /--held-out: neither a share below 1 nor a whole number of rows/);
      await refused(['align', '--data', 'none.jsonl'], /none\.jsonl: no such file/);
      await refused(['sft', '--model', 'm', '--data', 'none.jsonl', '--held-out', '1.5'], /--held-out: neither/);
      // rows are read before the model
      for (const command of ['sft', 'dpo', 'rl --reward exact', 'nash-md --preference world:newsroom']) {
        const words = [...command.split(' '), '--model', 'm', '--data', 'none.jsonl'];
        await refused(words, /none\.jsonl: no such file/);
      }
      await refused(['generate', '--model', 'm', '--data', 'none.jsonl'], /--data none\.jsonl: no such file/);
      await refused(['align', '--data', 'a.jsonl', '--columns', 'promt=q'], /Did you mean prompt=q\?/);
      await refused(['generate', '--model', 'm', '--data', 'a', '--columns', 'text=q'], /wanted "?prompt=…/);
      await refused(['align', '--mintues', '3'], /Did you mean --minutes\?/);
      // no run is left behind
      expect((await readdir(cwd, { recursive: true })).filter((name) => name !== 'runs')).toEqual([]);
    },
    timeoutMs,
  );

  test(
    'prompts without the column are told its name',
    async () => {
      await writeFile(join(cwd, 'qa.jsonl'), '{"question": "a", "answer": "b"}\n');
      const argv = ['generate', '--model', 'm', '--data', 'qa.jsonl'];
      await refused(argv, /qa\.jsonl:1: the row has no column prompt.*--columns prompt=…/);
    },
    timeoutMs,
  );

  test(
    'a damaged model folder says which file and what to do',
    async () => {
      const made = await align(...job(2), '--out', 'a');
      expect(made.code).toBe(0);
      const folder = join(cwd, 'runs/a/model');
      const broken = async (file: string, text: string, message: RegExp): Promise<void> => {
        const before = await readFile(join(folder, file));
        await writeFile(join(folder, file), text);
        await refused(['generate', '--model', 'runs/a/model', '--prompt', 'a', '--max-new-tokens', '1'], message, 1);
        await writeFile(join(folder, file), before);
      };
      const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as object;
      await broken('config.json', '{', /runs\/a\/model\/config\.json: not JSON.*copy the folder again/);
      await broken('config.json', '[]', /config\.json: no JSON object.*copy the folder again/);
      await broken('config.json', '{"model_type":"bert"}', /architecture is not known.*Open encoders with loadEncoder/);
      await broken(
        'config.json',
        JSON.stringify({ ...config, hidden_size: 'wide' }),
        /runs\/a\/model\/config\.json hidden_size: cannot be used; got "wide", wanted a number\. .*copy the folder again/,
      );
      await broken(
        'tokenizer.json',
        '{"model": 3}',
        /runs\/a\/model\/tokenizer\.json: the tokenizer cannot be built.*copy/,
      );
      await mkdir(join(cwd, 'empty'));
      await refused(
        ['generate', '--model', 'empty', '--prompt', 'a'],
        /empty\/config\.json: the file cannot be read/,
        1,
      );
    },
    timeoutMs,
  );
});

// The main job, small, in a process of its own: on every backend of the machine, stopped and resumed, with wrong data.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isNativeAvailable } from '@gimbal/tensor-native';
import { runCli, startCli } from './cli-process.ts';

const timeoutMs = 180_000;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-align-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

// as many steps as a test may take
const tiny = [
  '--size',
  'tiny',
  '--articles',
  '400',
  '--held-out',
  '32',
  '--evaluate-rows',
  '32',
  '--distil-steps',
  '4',
  '--preference-pairs',
  '0',
];
const steps = (pretrain: number, fineTune: number): string[] => [
  '--pretrain-steps',
  `${pretrain}`,
  '--fine-tune-steps',
  `${fineTune}`,
];

const backends = isNativeAvailable() ? ['native', 'wasm'] : ['wasm'];

interface Row {
  stage: string;
  step: number;
  loss: number;
}
const losses = async (run: string): Promise<string[]> =>
  (await readFile(join(cwd, 'runs', run, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Row)
    .map(({ stage, step, loss }) => `${stage} ${step} ${loss}`);

test.each(backends)(
  'align on %s: from rows to a model that writes, and a report',
  async (backend) => {
    const { code, stdout, stderr } = await runCli(
      ['align', ...tiny, ...steps(30, 30), '--backend', backend, '--json', '--out', 'a'],
      cwd,
    );
    expect(stderr).toContain('fine-tune');
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as {
      stages: { [name: string]: { value: { versions: { name: string; loss: { value: number } }[] } } };
    };
    const versions = result.stages.evaluate?.value.versions ?? [];
    expect(versions.map((v) => v.name)).toEqual(['untrained', 'pretrained', 'fine-tuned']);
    // 60 steps are enough to learn the grammar: from ln(vocabulary) ≈ 6 to below 3
    expect(versions[0]?.loss.value).toBeGreaterThan(4);
    expect(versions[2]?.loss.value).toBeLessThan(3);

    const run = join(cwd, 'runs/a');
    const files = ['config.json', 'metrics.jsonl', 'model', 'report.html', 'stages', 'student', 'student-q4_0.gguf'];
    expect((await readdir(run)).sort()).toEqual(files);
    expect((await readdir(join(run, 'model'))).sort()).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json']),
    );
    const page = await readFile(join(run, 'report.html'), 'utf8');
    expect(page).toContain('What it writes');
    expect(page).toContain('student, 4 bits');
    expect(page).toContain('The step that is kept was chosen on other held-out rows (16).');
    // one number of parameters, wherever it is said
    const parameters = /tiny, (\S+) parameters/.exec(stderr)?.[1];
    expect(page).toContain(`A model of ${parameters} parameters`);
    expect(page).not.toMatch(/NaN|undefined|<script/);
    expect(JSON.parse(await readFile(join(run, 'config.json'), 'utf8'))).toMatchObject({
      resolved: { backend },
      options: { size: 'tiny' },
    });

    const again = await runCli(['align', ...tiny, ...steps(30, 30), '--backend', backend, '--json', '--out', 'b'], cwd);
    const cached = Object.values(
      (JSON.parse(again.stdout) as { stages: { [name: string]: { cached: boolean } } }).stages,
    );
    expect(cached.filter((stage) => !stage.cached)).toHaveLength(1); // the model folder is put into each run

    const written = await runCli(
      [
        'generate',
        '--model',
        join(run, 'model'),
        '--prompt',
        'nurse hid coat .',
        '--max-new-tokens',
        '5',
        '--backend',
        backend,
        '--json',
      ],
      cwd,
    );
    expect(written.code).toBe(0);
    expect(JSON.parse(written.stdout)).toMatchObject({
      completions: [{ prompt: 'nurse hid coat .', end: expect.any(String) }],
    });
  },
  timeoutMs,
);

test(
  'in a short time reward models, their average and a judge are learned from little, and the model from each of them',
  async () => {
    const few = ['--minutes', '0.0005', '--judge-labels', '200', '--judge-steps', '20', '--reward-models', '2'];
    const short = ['--reward-steps', '5', '--learn-batch-size', '8'];
    const job = [...tiny.slice(0, -4), ...steps(40, 40), ...few, ...short, '--backend', backends[0] as string];
    const { code, stdout, stderr } = await runCli(['align', ...job, '--json', '--out', 'a'], cwd);
    if (stdout === '') throw new Error(stderr);
    expect(code).toBe(0);
    type Stages = Record<string, { value: Record<string, unknown> }>;
    const { again, stages } = JSON.parse(stdout) as { again: string; stages: Stages };
    // no more than the least of each fits into 30 milliseconds on any machine, and the run says how to have the same again
    expect(stages.preferences?.value).toMatchObject({ train: 64 });
    expect(stages.distil?.value).toMatchObject({ steps: 20 });
    for (const text of ['--preference-pairs 64', '--learn-steps 4', '--nash-steps 4', '--distil-steps 20'])
      expect(again).toContain(text);
    const slices = stages['reward-models']?.value.slices as {
      name: string;
      mean: number;
      average: { value: number };
    }[];
    expect(slices.map(({ name }) => name)).toEqual([
      'its own samples',
      'hot samples (T = 1.6)',
      'references in another manner',
      'longer articles',
      'training pairs, labelled rightly',
      'training pairs, labelled wrongly',
    ]);
    const runs = stages['rl-rewards']?.value.runs as { name: string; curve: { kl: number; quality: number }[] }[];
    const learned = runs.map((run) => `learned from ${run.name}`);
    expect(runs.map(({ name, curve }) => [name, curve.length])).toEqual([
      ['one reward model', 4],
      ['their average', 4],
      ['entailment', 4],
    ]);
    // before the first update the policy is the fine-tuned model, so the same summaries are drawn against each reward
    for (const { curve } of runs) {
      expect(curve[0]?.kl).toBeCloseTo(0, 5);
      expect(curve[0]?.quality).toBe(runs[0]?.curve[0]?.quality);
    }
    // Nash-MD is there, and every policy of the run was compared with every other: one wins what the other loses
    const { value } = stages['nash-md'] as { value: Record<string, unknown> };
    const { models, rates } = value.matrix as { models: string[]; rates: number[][] };
    expect(models).toEqual(['untrained', 'pretrained', 'fine-tuned', ...learned, value.name]);
    for (const [i, row] of rates.entries())
      for (const [j, rate] of row.entries()) expect(rate + (rates[j]?.[i] as number)).toBeCloseTo(1, 9);
    const page = await readFile(join(cwd, 'runs/a/report.html'), 'utf8');
    for (const text of [
      'Learning from preferences',
      'All against all',
      'Right, by what is judged',
      'Truth over KL',
      'What faithfulness costs',
      'Win rates by the world',
    ])
      expect(page).toContain(text);
    expect(page).not.toMatch(/NaN|undefined|<script/);
  },
  timeoutMs,
);

test(
  'a run killed or stopped by Ctrl-C at a random moment and resumed has the losses of one that was not',
  async () => {
    const job = [...tiny, ...steps(40, 25), '--backend', backends[0] as string, '--pretrain-evaluations', '8'];
    const whole = await runCli(['align', ...job, '--out', 'whole'], cwd);
    expect(whole.code).toBe(0);

    for (const [signal, code] of [
      ['SIGKILL', null],
      ['SIGINT', 130],
    ] as const) {
      await rm(join(cwd, 'runs/.cache'), { recursive: true });
      const stopped = startCli(['align', ...job, '--out', signal], cwd);
      // at some moment of its training, not at a chosen one
      await untilLogged(signal, 3);
      await new Promise((resolve) => setTimeout(resolve, Math.floor(performance.now() * 1000) % 200));
      stopped.child.kill(signal);
      expect((await stopped.ended).code).toBe(code);
      // it was in the middle of its work: neither a model nor a report was left
      const left = await readdir(join(cwd, 'runs', signal));
      for (const made of ['model', 'report.html', 'metrics.jsonl']) expect(left).not.toContain(made);
      const resumed = await runCli(['align', ...job, '--out', signal, '--resume'], cwd);
      expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringContaining('fine-tune')]);
      expect(await losses(signal)).toEqual(await losses('whole'));
    }
  },
  2 * timeoutMs, // five runs
);

test(
  'Ctrl-C leaves a checkpoint, exit code 130 and the command that goes on',
  async () => {
    const job = [...tiny, ...steps(4000, 10), '--backend', backends[0] as string];
    const { child, ended } = startCli(['align', ...job, '--out', 'stopped'], cwd);
    await untilLogged('stopped', 3);
    child.kill('SIGINT');
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toContain('npx gimbal align --out runs/stopped --resume');
    expect((await readdir(join(cwd, 'runs/stopped/stages/pretrain/checkpoints'))).length).toBeGreaterThan(0);

    const other = await runCli(['align', '--out', 'stopped', '--resume', '--seed', '5'], cwd);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('--seed differs from the run')]);
  },
  timeoutMs,
);

test(
  'the 50 steps of a small model on wasm have the losses that were stored',
  async () => {
    const { code, stderr } = await runCli(
      ['align', ...tiny, ...steps(25, 25), '--no-distil', '--backend', 'wasm', '--seed', '3', '--out', 'a'],
      cwd,
    );
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    const stored = new URL('./golden/wasm-losses.json', import.meta.url);
    const rows = (await readFile(join(cwd, 'runs', 'a', 'metrics.jsonl'), 'utf8')).trim().split('\n');
    const now = rows.map((line) => JSON.parse(line) as { loss: number; gradNorm: number });
    const reference = JSON.parse(await readFile(stored, 'utf8')) as { losses: number[]; gradNorms: number[] };
    expect(now).toHaveLength(50);
    // one-sided drift is the signature of the bad faults: besides each point, the mean difference must vanish
    const near = (differences: number[], most: number): void => {
      for (const d of differences) expect(Math.abs(d)).toBeLessThan(most);
      expect(Math.abs(differences.reduce((a, b) => a + b, 0) / 50)).toBeLessThan(most / 10);
    };
    near(
      now.map(({ loss }, i) => loss - (reference.losses[i] as number)),
      2e-3,
    );
    near(
      now.map(({ gradNorm }, i) => gradNorm / (reference.gradNorms[i] as number) - 1),
      1e-2,
    );
  },
  timeoutMs,
);

describe('data that cannot be used', () => {
  const align = (...argv: string[]): ReturnType<typeof runCli> => runCli(['align', '--backend', 'cpu', ...argv], cwd);

  test.each([
    ['not JSON', '{"prompt": "a", "completion": "b"}\n{"prompt": \n', /rows\.jsonl:2: not JSON/],
    ['a number for a text', '{"prompt": 3, "completion": "b"}\n', /rows\.jsonl:1: column prompt must hold text; got 3/],
    ['no rows', '\n', /rows\.jsonl: there are no rows/],
    ['an empty file', '', /rows\.jsonl: there are no rows/],
    [
      'a column that only some rows have',
      '{"prompt": "a", "completion": "b"}\n{"prompt": "a"}\n',
      /rows\.jsonl:2: the row has no column completion/,
    ],
    ['other columns', '{"question": "a", "answer": "b"}\n', /rows\.jsonl:1.*--columns prompt=question/s],
    [
      'a column that no row has',
      '{"prompt": "a", "completion": "b"}\n',
      /rows\.jsonl: no row has the column nope, which columns names for prompt/,
      ['--columns', 'prompt=nope'],
    ],
  ] as [string, string, RegExp, string[]?][])(
    '%s',
    async (_name, text, message, more = []) => {
      await writeFile(join(cwd, 'rows.jsonl'), text);
      const { code, stderr, stdout } = await align('--data', 'rows.jsonl', ...more);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(message);
    },
    timeoutMs,
  );

  test(
    'rows that do not fit the context are refused before anything is trained',
    async () => {
      const row = (i: number): string => `{"prompt": "sine of ${i}", "completion": "${Math.sin(i + 1) ** 2}"}\n`;
      await writeFile(join(cwd, 'rows.jsonl'), Array.from({ length: 20 }, (_, i) => row(i)).join(''));
      const job = ['--data', 'rows.jsonl', '--size', 'tiny', '--context', '8', ...steps(1, 1)];
      const { code, stderr } = await align(...job);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/all 18 training rows are longer.*Give a --context of/),
      ]);
      expect(stderr).not.toMatch(/pretrain/);
      const strict = await align(...job, '--fine-tune-overflow', 'error');
      expect([strict.code, strict.stderr]).toEqual([
        2,
        expect.stringMatching(/rows\.jsonl:\d+: .*--fine-tune-overflow/),
      ]);
    },
    timeoutMs,
  );

  test(
    'single rows that do not fit are left out, counted and named by file and line, whatever part they were dealt to',
    async () => {
      const numbers = Array.from({ length: 200 }, (_, i) => (i * i * 7919) % 1000).join(' ');
      const isLong = (line: number): boolean => line % 4 === 0;
      const row = (line: number): string =>
        JSON.stringify({ prompt: `sum of ${line}`, completion: isLong(line) ? numbers : `${line % 7}` });
      const lines = Array.from({ length: 48 }, (_, i) => i + 1);
      await writeFile(join(cwd, 'rows.jsonl'), lines.map((line) => `${row(line)}\n`).join(''));
      const job = ['--data', 'rows.jsonl', '--size', 'tiny', '--context', '64', '--held-out', '16', ...steps(1, 1)];
      const rest = ['--evaluate-max-new-tokens', '2', '--no-distil', '--backend', backends[0] as string];
      const { code, stderr } = await runCli(['align', ...job, ...rest], cwd);
      const told = /(\d+) (\S+) rows? (?:is|are) longer than the context and (left out|not in the loss) \(([^)]*)\)/g;
      const parts = [...stderr.matchAll(told)].map(([, n, part, done, places = '']) => ({
        n: Number(n),
        part,
        done,
        places,
      }));
      expect([code, parts.map(({ part, done }) => `${part}: ${done}`)]).toEqual([
        0,
        ['validation: left out', 'training: left out', 'held-out: not in the loss'],
      ]);
      expect(parts.reduce((sum, { n }) => sum + n, 0)).toBe(lines.filter(isLong).length);
      for (const { n, places } of parts) {
        const named = places.split(', ').filter((place) => place !== '…');
        expect(named).toHaveLength(Math.min(n, 3));
        for (const place of named) expect(isLong(Number(/^rows\.jsonl:(\d+)$/.exec(place)?.[1]))).toBe(true);
      }
    },
    timeoutMs,
  );

  test(
    'a file that is not there, and columns without a file',
    async () => {
      expect(await align('--data', 'none.jsonl')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('none.jsonl: no such file'),
      });
      expect(await align('--columns', 'prompt=q')).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('there is none'),
      });
      expect(await stat(join(cwd, 'runs'))).toBeDefined();
    },
    timeoutMs,
  );
});

/** Wait until a run's pretraining has logged so many steps. */
async function untilLogged(run: string, count: number): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    const text = await readFile(join(cwd, 'runs', run, 'stages/pretrain/metrics.jsonl'), 'utf8').catch(() => '');
    if (text.split('\n').length > count) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${run} logged nothing`);
}

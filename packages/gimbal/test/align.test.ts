// The main job, small, in a process of its own: on every backend of the machine, and its losses as they were stored.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backends, steps, tiny } from './align-job.ts';
import { runCli } from './cli-process.ts';

const timeoutMs = 180_000;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-align-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

test.each(backends)(
  'align on %s: from rows to a model that writes, and a report',
  async (backend) => {
    const job = [...tiny, ...steps(30, 30), '--batch-size', '16', '--backend', backend];
    const { code, stdout, stderr } = await runCli(['align', ...job, '--json', '--out', 'a'], cwd);
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

    const again = await runCli(['align', ...job, '--json', '--out', 'b'], cwd);
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

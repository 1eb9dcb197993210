// What was measured does not stand between a run and its repetition: the options that a run prints give it again, and a
// run that goes on keeps its plan whatever was built or deleted in between.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilLogged } from './align-job.ts';
import { runCli, startCli } from './cli-process.ts';

const timeoutMs = 180_000;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-again-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

const weights = (run: string): Promise<Buffer> => readFile(join(run, 'model/model.safetensors'));
const quick = [
  ...['--articles', '300', '--held-out', '16', '--threads', '1', '--batch-size', '16'],
  ...['--preference-pairs', '0', '--no-distil'],
];

test(
  'the line `again` gives the same model in another folder, whatever the speed',
  async () => {
    const first = await runCli(['align', ...quick, '--minutes', '0.01', '--seed', '5', '--json', '--out', 'a'], cwd);
    expect([first.code, first.stderr]).toEqual([0, expect.any(String)]);
    const { again } = JSON.parse(first.stdout) as { again: string };
    expect(again).toMatch(/^npx gimbal align --articles 300 --held-out 16 .*--size tiny .*--seed 5 .*--threads 1$/);
    expect(again).not.toContain('--minutes');
    const page = await readFile(join(cwd, 'runs/a/report.html'), 'utf8');
    expect(page).toContain(again);

    const other = join(cwd, 'other');
    await mkdir(other);
    const second = await runCli([...again.split(' ').slice(2), '--json', '--out', 'b'], other);
    expect([second.code, second.stderr]).toEqual([0, expect.any(String)]);
    expect((JSON.parse(second.stdout) as { again: string }).again).toBe(again);
    expect((await weights(join(other, 'runs/b'))).equals(await weights(join(cwd, 'runs/a')))).toBe(true);
  },
  timeoutMs,
);

test(
  'a run goes on with its plan after another build, and without the cache',
  async () => {
    const { child, ended } = startCli(
      ['align', ...quick, '--pretrain-steps', '500', '--minutes', '0.01', '--out', 'a'],
      cwd,
    );
    const run = join(cwd, 'runs/a');
    await untilLogged(run, 5, ended);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);

    // as another build would find it: results under a hash of code that is not its own, or none; and a plan that this
    // machine would not choose again
    await rm(join(cwd, 'runs/.cache'), { recursive: true });
    const config = JSON.parse(await readFile(join(run, 'config.json'), 'utf8')) as {
      choices: { plan: { value: { fineTuneSteps: number } } };
      code: string[];
    };
    config.choices.plan.value.fineTuneSteps = 7;
    config.code = ['of another build'];
    await writeFile(join(run, 'config.json'), JSON.stringify(config));
    const resumed = await runCli(['align', '--resume'], cwd);
    expect([resumed.code, resumed.stderr]).toEqual([
      0,
      expect.stringMatching(/500 \+ 7 steps[\s\S]*fine-tune .* 7 steps/),
    ]);
    expect(JSON.parse(await readFile(join(run, 'config.json'), 'utf8'))).toMatchObject({
      code: ['of another build', expect.stringMatching(/^[0-9a-f]{32}$/)],
      again: expect.stringContaining('--pretrain-steps 500 --fine-tune-steps 7'),
    });
  },
  timeoutMs,
);

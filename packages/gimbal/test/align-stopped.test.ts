// The main job stopped in the middle, by a kill or by Ctrl-C, and gone on with.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backends, steps, tiny, untilLogged } from './align-job.ts';
import { runCli, startCli } from './cli-process.ts';

const timeoutMs = 180_000;

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-align-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

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
      const run = join(cwd, 'runs', signal);
      let ended: number | null;
      do {
        await rm(join(cwd, 'runs/.cache'), { recursive: true });
        await rm(run, { recursive: true, force: true });
        const stopped = startCli(['align', ...job, '--out', signal], cwd);
        // at some moment of its training, not at a chosen one
        await untilLogged(run, 3, stopped.ended);
        await new Promise((resolve) => setTimeout(resolve, Math.floor(performance.now() * 1000) % 200));
        stopped.child.kill(signal);
        ended = (await stopped.ended).code;
      } while (ended === 0); // on a busy machine the signal may come after the end
      expect(ended).toBe(code);
      // it was in the middle of its work: neither a model nor a report was left
      const left = await readdir(run);
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
    await untilLogged(join(cwd, 'runs/stopped'), 3, ended);
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

// Few rows, read too often: the model that is kept is the one that was best on held-out rows, also when the run was
// killed in between.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilLogged } from './align-job.ts';
import { runCli, startCli } from './cli-process.ts';

const timeoutMs = 180_000;

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-overfit-'));
  const pick = (list: string, i: number): string => list.split(' ')[i % list.split(' ').length] as string;
  const rows = Array.from({ length: 40 }, (_, i) => ({
    prompt: `${pick('anna ben clara david emil frida', 7 * i)} ${pick('bought lost found sold', 3 * i + (i >> 2))} a ${pick('coat drum egg hat jar', 11 * i)}`,
    completion: `${pick('so it was', i)} ${pick('yes no maybe', i * i)} ${pick('red blue green', 5 * i + (i >> 3))}`,
  }));
  await writeFile(join(cwd, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const job = ['--data', 'rows.jsonl', '--size', 'tiny', '--threads', '1', '--batch-size', '8'];
// by itself distillation takes as long as the default minutes leave it, a minute in each run
const quick = ['--distil-steps', '4'];
const steps = ['--pretrain-steps', '120', '--fine-tune-steps', '40', '--pretrain-learning-rate', '0.01'];

interface Trained {
  training: { bestStep: number; steps: number; heldOutLoss: number; lastHeldOutLoss: number };
}
interface Result {
  again: string;
  stages: { pretrain: { value: Trained }; 'fine-tune': { value: Trained } };
}
const weights = (run: string): Promise<Buffer> => readFile(join(cwd, 'runs', run, 'model/model.safetensors'));

test(
  'the best model is kept and said, and a resumed run keeps the same one',
  async () => {
    const whole = await runCli(['align', ...job, ...steps, ...quick, '--json', '--out', 'whole'], cwd);
    expect([whole.code, whole.stderr]).toEqual([0, expect.stringContaining('The best model is kept')]);
    const { pretrain } = (JSON.parse(whole.stdout) as Result).stages;
    const { bestStep, heldOutLoss, lastHeldOutLoss } = pretrain.value.training;
    expect(bestStep).toBeLessThan(120);
    expect(heldOutLoss).toBeLessThan(lastHeldOutLoss);
    expect(whole.stderr).toMatch(
      new RegExp(`✓ pretrain .*held-out ${heldOutLoss.toFixed(3)} at step ${bestStep}, kept`),
    );
    const page = await readFile(join(cwd, 'runs/whole/report.html'), 'utf8');
    expect(page).toContain(`Held-out loss was lowest at step ${bestStep} of 120`);

    let code: number | null;
    do {
      await rm(join(cwd, 'runs/.cache'), { recursive: true });
      await rm(join(cwd, 'runs/killed'), { recursive: true, force: true });
      const killed = startCli(['align', ...job, ...steps, ...quick, '--out', 'killed'], cwd);
      await untilLogged(join(cwd, 'runs/killed'), bestStep + 5, killed.ended); // behind the best step
      killed.child.kill('SIGKILL');
      code = (await killed.ended).code;
    } while (code === 0); // on a busy machine the kill may come after the end
    const resumed = await runCli(['align', '--out', 'killed', '--resume', '--json'], cwd);
    expect([resumed.code, resumed.stderr]).toEqual([0, expect.stringMatching(/goes on from step \d+/)]);
    expect((JSON.parse(resumed.stdout) as Result).stages.pretrain.value.training).toMatchObject({
      bestStep,
      heldOutLoss,
      lastHeldOutLoss,
    });
    expect((await weights('killed')).equals(await weights('whole'))).toBe(true);
  },
  timeoutMs,
);

// The watch on a run's log.
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { untilLogged } from './align-job.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-align-job-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A run that logs so many steps while its log is read for the first time, and ends at once. */
const logsAndEnds = (run: string, steps: number): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(() => {
      mkdirSync(join(run, 'stages/pretrain'), { recursive: true });
      writeFileSync(join(run, 'stages/pretrain/metrics.jsonl'), '{}\n'.repeat(steps));
      resolve();
    });
  });

test('lines that come with the end of a run count', async () => {
  const run = join(folder, 'whole');
  await untilLogged(run, 3, logsAndEnds(run, 3));
});

test('a run that ends before is an error', async () => {
  const run = join(folder, 'short');
  await expect(untilLogged(run, 3, logsAndEnds(run, 2))).rejects.toThrow('ended before it had logged 3 steps');
});

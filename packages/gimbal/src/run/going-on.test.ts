import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkpointIn, stoppedRun } from './going-on.ts';

const folder = mkdtempSync(join(tmpdir(), 'going-on-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('without a checkpoint a run begins anew, and what it logged before is taken away', async () => {
  const out = join(folder, 'killed');
  mkdirSync(out);
  writeFileSync(join(out, 'metrics.jsonl'), '{"step":1}\n');
  expect(await checkpointIn(out, () => {})).toBeUndefined();
  expect(existsSync(out)).toBe(false);
  expect(await checkpointIn(join(folder, 'none'), () => {})).toBeUndefined();
});

test('a stopped run says how to go on with it', () => {
  const error = stoppedRun('sft', 'runs/sft-1', 'stopped after step 3 of 9');
  expect(error.code).toBe('ERR_STOPPED');
  expect(error.message).toContain('npx gimbal sft --out runs/sft-1 --resume');
});

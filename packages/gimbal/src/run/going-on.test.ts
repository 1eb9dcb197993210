import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { saveCheckpoint } from '@gimbal/tensor-core';
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

test('where the only checkpoint is damaged the run does not begin anew, and all stays as it is', async () => {
  const out = join(folder, 'damaged');
  const path = await saveCheckpoint(join(out, 'checkpoints'), {
    step: 3,
    trees: {},
    state: 1,
    config: {},
    version: '1',
  });
  writeFileSync(join(path, 'state.json'), '{');
  writeFileSync(join(out, 'metrics.jsonl'), '{"step":1}\n');
  await expect(checkpointIn(out, () => {}, ['config.json'])).rejects.toThrow(
    /step-00000003: the checkpoint is damaged: state.json has 1 bytes instead of \d+. .*copy, or begin anew in another folder/,
  );
  expect(existsSync(join(out, 'metrics.jsonl'))).toBe(true);
  expect(existsSync(join(path, 'state.json'))).toBe(true);
});

test('a stopped run says how to go on with it', () => {
  const error = stoppedRun('sft', 'runs/sft-1', 'stopped after step 3 of 9');
  expect(error.code).toBe('ERR_STOPPED');
  expect(error.message).toContain('npx gimbal sft --out runs/sft-1 --resume');
});

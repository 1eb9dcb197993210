import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alike, flatShare, refuseUnrewarded } from './rewards-alike.ts';

test('rewards that are all zero, or all the same, are told; others are not', () => {
  expect(alike([0, 0, 0])).toContain(
    'the reward was 0.00 in each of 3 steps, so nothing was learnt from it. No completion',
  );
  expect(alike([1, 1])).toContain(
    'in each of 2 steps, so nothing was learnt from it. It does not tell completions apart',
  );
  expect(alike([0, 0.25])).toBeUndefined();
  // the mean of one step says nothing of the completions in it
  expect(alike([1])).toBeUndefined();
  expect(alike([])).toBeUndefined();
});

test('groups of equal rewards are told where they are most of them', () => {
  expect(flatShare([1, 0.5])).toContain('in 75.0 % of the groups');
  expect(flatShare([0.5, 0.5])).toBeUndefined();
  expect(flatShare([])).toBeUndefined();
});

test('a run without a single reward is an error; one reward in one step is enough', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rewards-'));
  try {
    const log = (...shares: number[]): Promise<void> =>
      writeFile(
        join(folder, 'metrics.jsonl'),
        shares.map((unrewarded, i) => `${JSON.stringify({ step: i + 1, reward: null, unrewarded })}\n`).join(''),
      );
    await log(1, 1);
    await expect(refuseUnrewarded(folder, 'gimbal rl --reward')).rejects.toThrow(
      'gimbal rl --reward: no completion of 2 steps got a reward: all were abstained on, and nothing was learnt',
    );
    await log(1, 0.9);
    await refuseUnrewarded(folder, 'gimbal rl --reward');
    await log();
    await refuseUnrewarded(folder, 'gimbal rl --reward');
  } finally {
    await rm(folder, { recursive: true });
  }
});

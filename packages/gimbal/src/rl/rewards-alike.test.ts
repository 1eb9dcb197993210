import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Asked, alike, flatShare, refuseUnrewarded, unrewardedStep } from './rewards-alike.ts';

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
  expect(flatShare([1, 0.5], true)).toMatch(/in 75.0 % of the groups; .*A higher --temperature/);
  // align has no such flag
  expect(flatShare([1, 0.5], false)).toMatch(/in 75.0 % of the groups; .*learnt from them$/);
  expect(flatShare([0.5, 0.5], true)).toBeUndefined();
  expect(flatShare([], true)).toBeUndefined();
});

const asked: Asked = { maskTruncated: false, tooLong: 0, setsSampling: true };

test('a first step without a single reward is told at once', () => {
  const step = { step: 1, unrewarded: 1, emptyRate: 0.25, missingEosRate: 0.75 };
  expect(unrewardedStep(step, asked)).toContain('no completion of step 1 got a reward: all were abstained on');
  const unfit = 'no completion of step 1 got a reward: all were empty, cut or too long';
  expect(unrewardedStep(step, { ...asked, maskTruncated: true })).toBe(unfit);
  expect(unrewardedStep(step, { ...asked, tooLong: 1 })).toBe(unfit);
  expect(unrewardedStep({ ...step, unrewarded: 0.9 }, asked)).toBeUndefined();
});

test('a run without a single reward is an error; one reward in one step is enough', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rewards-'));
  try {
    const log = (...shares: number[]): Promise<void> =>
      writeFile(
        join(folder, 'metrics.jsonl'),
        shares
          .map((unrewarded, i) => {
            const row = { step: i + 1, reward: null, unrewarded, emptyRate: 0.25, missingEosRate: 0.75 };
            return `${JSON.stringify(row)}\n`;
          })
          .join(''),
      );
    const refuse = (o: Partial<Asked> = {}): Promise<string | undefined> =>
      refuseUnrewarded(folder, 'gimbal rl --reward', { ...asked, ...o });
    await log(1, 1);
    await expect(refuse()).rejects.toThrow(
      'gimbal rl --reward: no completion of 2 steps got a reward: all were abstained on, and nothing was learnt',
    );
    // the reward was not asked, or could not read them
    const unfit = 'no completion of 2 steps got a reward: all were empty, cut or too long, and nothing was learnt';
    expect(await refuse({ maskTruncated: true })).toContain(unfit);
    expect(await refuse({ tooLong: 3 })).toContain(unfit);
    await log(1, 0.9);
    expect(await refuse()).toBeUndefined();
    await log();
    expect(await refuse()).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});

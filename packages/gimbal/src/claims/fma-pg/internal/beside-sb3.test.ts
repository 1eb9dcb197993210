import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '@gimbal/tensor-core';
import type { ClaimContext } from '../../../reproduce/claim.ts';
import { besideStableBaselines } from './beside-sb3.ts';
import { type Curve, points } from './returns.ts';

let dir: string;
beforeAll(async () => {
  await useBackend('cpu');
  dir = await mkdtemp(join(tmpdir(), 'beside-'));
});
afterAll(() => rm(dir, { recursive: true }));

const flat = (value: number): Curve => Array.from({ length: points }, (_, i) => (i === 3 ? null : value));
const context = (): ClaimContext => ({
  ...{ seeds: [1, 2], full: true, backend: 'cpu', threads: 1, dir, note: () => {} },
  signal: AbortSignal.abort(), // whatever would be trained is stopped at once
});
const run = { algorithm: 'SAC', steps: 300 } as const;

test('runs that are kept are not trained again; ours holds down to one deviation below theirs', async () => {
  for (const [seed, value] of [
    [1, 90],
    [2, 110],
  ] as const) {
    const kept = { ...run, env: 'Hopper-v5', seed };
    const ordered = { algorithm: kept.algorithm, env: kept.env, steps: kept.steps, seed };
    await writeFile(join(dir, `SAC-Hopper-v5-${seed}.json`), JSON.stringify({ ...ordered, curve: flat(value) }));
  }
  // ours 100; theirs 100 + d ± 20·√2/√2 …: two seeds 20 apart have a deviation of 14.1
  const theirs = (mean: number) => ({ 'Hopper-v5': [flat(mean - 10), flat(mean + 10)] });
  expect((await besideStableBaselines(run, theirs(114), context())).verdict).toBe('holds');
  const fails = await besideStableBaselines(run, theirs(115), context());
  expect(fails.verdict).toBe('fails');
  expect(fails.measured).toContain('Hopper-v5 100 (90, 110) beside 115 ± 14');
  expect(await readFile(join(dir, 'returns-Hopper-v5.svg'), 'utf8')).toContain('Stable-Baselines3');
  const alone = await besideStableBaselines(run, { 'Hopper-v5': undefined }, context());
  expect(alone).toEqual({ measured: 'Hopper-v5 100 (90, 110)', verdict: 'reported' });
  expect(await readFile(join(dir, 'returns-Hopper-v5.svg'), 'utf8')).not.toContain('Stable-Baselines3');
});

test('a kept run of other steps does not count', async () => {
  await expect(besideStableBaselines({ ...run, steps: 2000 }, { 'Hopper-v5': undefined }, context())).rejects.toThrow(
    'SAC on Hopper-v5: stopped while it was trained',
  );
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Curve, points } from './returns.ts';
import { stableBaselinesCurves } from './sb3-curves.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sb3-'));
});
afterEach(() => rm(dir, { recursive: true }));

const flat = (value: number): Curve => Array.from({ length: points }, () => value);
const run = { algorithm: 'SAC', env: 'Hopper-v5', steps: 300 } as const;
const seeds = [1, 2, 3];
const silent = { note: () => {} };

test('kept curves and those of the folder are put together; without one of them there are none', async () => {
  const file = join(dir, 'sac-Hopper-v5.json');
  const kept = { 1: flat(1), 2: flat(2) };
  expect(await stableBaselinesCurves(run, seeds, undefined, { dir, ...silent })).toBeUndefined();
  expect(await stableBaselinesCurves(run, seeds, kept, { dir, ...silent })).toBeUndefined();
  await writeFile(file, JSON.stringify({ env: 'Hopper-v5', steps: 300, curves: { 3: flat(3) } }));
  expect(await stableBaselinesCurves(run, seeds, kept, { dir, ...silent })).toEqual([flat(1), flat(2), flat(3)]);
});

test('the peer is asked for the seeds that are missing, once', async () => {
  const asked: (readonly string[])[] = [];
  const peer = async (script: string, args: readonly string[]): Promise<void> => {
    asked.push([script, ...args]);
    const file = args[args.indexOf('--out') + 1] as string;
    await writeFile(file, JSON.stringify({ env: 'Hopper-v5', steps: 300, curves: { 2: flat(2), 3: flat(3) } }));
  };
  const inner = join(dir, 'C15');
  const context = { dir: inner, peer, ...silent };
  for (let i = 0; i < 2; i++)
    expect(await stableBaselinesCurves(run, seeds, { 1: flat(1) }, context)).toEqual([flat(1), flat(2), flat(3)]);
  const out = join(inner, 'sac-Hopper-v5.json');
  const words = ['--algo', 'sac', '--env', 'Hopper-v5', '--steps', '300', '--seeds', '2,3', '--out', out];
  expect(asked).toEqual([['rl_returns.py', ...words]]);
  expect(await readFile(out, 'utf8')).toContain('curves');
});

test('a file of another run is refused', async () => {
  const file = join(dir, 'sac-Hopper-v5.json');
  await writeFile(file, JSON.stringify({ env: 'Hopper-v5', steps: 600, curves: { 1: flat(1) } }));
  await expect(stableBaselinesCurves(run, seeds, undefined, { dir, ...silent })).rejects.toThrow(
    'no curves to stand beside; got "30 points, Hopper-v5, 600 steps", wanted curves of 30 points, Hopper-v5, 300 steps',
  );
});

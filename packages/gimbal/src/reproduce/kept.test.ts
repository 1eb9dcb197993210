// Kept results: which are taken again, and what is said of their time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startCompute } from '../run/compute.ts';
import { KeptResults } from './kept.ts';

const home = process.cwd();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-kept-'));
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

test('a result of one backend is not taken for another’s, and the time of one from the disk counts once', async () => {
  let made = 0;
  const ask = (results: KeptResults): Promise<number> => results.value('test', { seed: 1 }, async () => ++made);
  const first = new KeptResults();
  await startCompute({ backend: 'cpu', threads: undefined, trace: false });
  expect([await ask(first), await ask(first)]).toEqual([1, 1]);
  await startCompute({ backend: 'wasm', threads: 1, trace: false });
  expect([await ask(first), await ask(first)]).toEqual([2, 2]);
  const later = Date.now() + 1000;
  expect(first.minutes(later)).toBe(0);

  // as another process, which knows of none
  const second = new KeptResults();
  expect([await ask(second), await ask(second)]).toEqual([2, 2]);
  expect(second.minutes(later)).toBeGreaterThan(0);
  // made after a run began: that run counted it itself
  expect(second.minutes(0)).toBe(0);
});

test('what a result needed and was kept itself is no part of its time', async () => {
  const results = new KeptResults();
  // by a clock of the test: on a busy machine a moment of this one may last longer than the work
  const clock = performance.now;
  let now = clock.call(performance);
  performance.now = () => now;
  const slow = async (): Promise<number> => {
    now += 300;
    return 1;
  };
  try {
    await results.value('outer', {}, async () => await results.value('inner', {}, slow));
    const again = new KeptResults();
    await again.value('outer', {}, slow);
    expect(again.minutes(Date.now() + 1000)).toBeLessThan(0.2 / 60);
    await again.value('inner', {}, slow);
    expect(again.minutes(Date.now() + 1000)).toBeGreaterThan(0.29 / 60);
  } finally {
    performance.now = clock;
  }
});

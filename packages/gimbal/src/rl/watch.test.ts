import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bestLook, type Watched, watchRun } from './watch.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'watch-'));
});
afterAll(() => rm(dir, { recursive: true }));

test('a run that is gone on with remembers looks that judged nothing as such, and forgets those done again', async () => {
  const control = join(dir, 'control.mjs');
  await writeFile(control, 'export default (prompts, completions) => completions.map(Number);\n');
  const look = { length: 1, emptyRate: 0, alerts: [] };
  const earlier = [
    { step: 1, control: null, ...look },
    { step: 2, control: 5, ...look },
    { step: 3, control: 9, ...look },
  ];
  await writeFile(join(dir, 'monitor.json'), JSON.stringify(earlier));
  const watch = await watchRun(dir, { monitor: [control], patience: 2 }, '--monitor');
  // step 3 is done again, and what was seen in it is not held against the run
  for (const [step, score] of [
    [3, '4'],
    [4, '4'],
  ] as const) {
    const alerts = await watch.monitor.check(step, ['q', 'q'], [score, score]);
    expect(alerts.map(({ message }) => message)).toEqual(
      step === 4 ? ['the control reward fell from 5.000 (step 2) to 4.000'] : [],
    );
  }
  expect(watch.seen.map((seen) => seen.control)).toEqual([Number.NaN, 5, 4, 4]);
  expect([4, 5, 6].map((steps) => watch.endedAt(steps))).toEqual([false, true, false]);
  const kept = JSON.parse(await readFile(join(dir, 'monitor.json'), 'utf8')) as Watched[];
  expect(kept.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
});

test('bounds of lengths, of empty answers and of what is below, and how often it looks, are the monitor’s', async () => {
  const control = (_: readonly string[], completions: readonly string[]): number[] => completions.map(() => 1);
  const folder = await mkdtemp(join(tmpdir(), 'watch-bounds-'));
  const bounds = { minLengthRatio: 0.5, maxEmptyRate: 0.4, tolerance: 3, every: 2 };
  const watch = await watchRun(folder, { monitor: control, patience: 2, ...bounds }, '--monitor');
  const look = async (step: number, ...texts: string[]): Promise<string[]> =>
    (
      await watch.monitor.check(
        step,
        texts.map(() => 'q'),
        texts,
      )
    ).map(({ message }) => message);
  expect(await look(0, 'a b c d', 'a b c d')).toEqual([]);
  expect(await look(1, '', '')).toEqual([]); // not looked at
  expect(await look(2, 'a', '')).toEqual(['answers have 0.5 words, 2.0 is the least', '50 % of answers are empty']);
  expect(watch.seen.map(({ step }) => step)).toEqual([0, 2]);
  await rm(folder, { recursive: true });
});

test('one judged answer is no best look, nor one whose error a file has as null', () => {
  const look = (step: number, control: number, error?: number): Watched =>
    ({ step, control, length: 1, emptyRate: 0, alerts: [], ...(error !== undefined && { error }) }) as Watched;
  const single = { ...look(3, 9), error: null } as unknown as Watched;
  expect(bestLook([look(1, 1), look(2, 2, 0.1), single, look(4, 8, Number.NaN)])?.step).toBe(2);
  expect(bestLook([single])).toBeUndefined();
});

test.each(['{', 'null', '{}', '[{}]', '[null]'])('what the monitor saw is no list of looks: %s', async (text) => {
  const folder = await mkdtemp(join(tmpdir(), 'watch-damaged-'));
  await writeFile(join(folder, 'monitor.json'), text);
  const watched = watchRun(folder, { monitor: () => [], patience: 2 }, '--monitor');
  await expect(watched).rejects.toMatchObject({ code: 'ERR_CHECKPOINT', where: join(folder, 'monitor.json') });
  await rm(folder, { recursive: true });
});

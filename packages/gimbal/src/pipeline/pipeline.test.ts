import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isNativeAvailable } from '@gimbal/tensor-native';
import { z } from 'zod';
import { Output } from '../cli/output.ts';
import { inOrder, optionsOf } from './graph.ts';
import { canonical, computingPackages, hashPath, hashValue, nativeBinaries } from './hash.ts';
import { type Choice, type PipelineRequest, runStages, type StageRecord } from './run-stages.ts';
import { defineStage, type Stage } from './stage.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-stages-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sink = new Writable({ write: (_c, _e, done) => done() });
const output = new Output({ stdout: sink, stderr: sink }, false);

const read = defineStage({
  name: 'read',
  summary: 'Read a file.',
  version: 1,
  needs: [],
  prefix: '',
  options: z.object({ data: z.string().describe('a file') }),
  uses: [],
  files: (o) => [o.data],
  run: async ({ options, dir }) => {
    const text = await readFile(options.data, 'utf8');
    await writeFile(join(dir, 'copy.txt'), text);
    return { length: text.length };
  },
  describe: (value) => `${value.length} characters`,
});
const evaluate = defineStage({
  name: 'evaluate',
  summary: 'Count.',
  version: 1,
  needs: ['read'],
  prefix: 'eval',
  options: z.object({ shots: z.int().default(0).describe('examples'), limit: z.int().default(8).describe('length') }),
  uses: ['seed'],
  run: async ({ options, input, environment, logDir }) => {
    const { value, dir } = input(read);
    await writeFile(join(await made(logDir), 'metrics.jsonl'), '{"step":1,"loss":0.5}\n');
    return {
      score: value.length + options.shots + environment.seed,
      text: await readFile(join(dir, 'copy.txt'), 'utf8'),
    };
  },
  describe: (value) => `score ${value.score}`,
});
const made = async (dir: string): Promise<string> => {
  const { mkdir } = await import('node:fs/promises');
  await mkdir(dir, { recursive: true });
  return dir;
};

let runs = 0;
async function run(
  options: { [name: string]: unknown } = {},
  {
    seed = 0,
    stages = [read, evaluate] as Stage[],
    signal = new AbortController().signal,
    runDir = join(folder, `run-${++runs}`),
    ...more
  }: Partial<PipelineRequest> & { seed?: number } = {},
): Promise<StageRecord[]> {
  await made(runDir);
  return await runStages({
    stages: inOrder(stages),
    options: { data: join(folder, 'data.txt'), evalShots: 0, evalLimit: 8, ...options },
    environment: { seed, backend: 'cpu', threads: 1 },
    runDir,
    cacheDir: join(folder, 'cache'),
    output,
    signal,
    ...more,
  });
}
const cached = (records: readonly StageRecord[]): string => records.map((r) => (r.cached ? '+' : '-')).join('');

describe('the cache of stages', () => {
  beforeEach(() => writeFile(join(folder, 'data.txt'), 'abc'));

  test('takes an equal result from an earlier run, with its metrics', async () => {
    expect(cached(await run())).toBe('--');
    const again = await run();
    expect(cached(again)).toBe('++');
    expect(again[1]?.result.value).toEqual({ score: 3, text: 'abc' });
    expect(again[1]?.metrics).toEqual([{ step: 1, loss: 0.5 }]);
    expect(await readFile(join(folder, `run-${runs}`, 'metrics.jsonl'), 'utf8')).toBe(
      '{"stage":"evaluate","step":1,"loss":0.5}\n',
    );
  });

  test.each([
    ['a count', { evalShots: 1 }, {}, '+-'],
    ['a limit', { evalLimit: 9 }, {}, '+-'],
    ['the seed', {}, { seed: 1 }, '+-'],
  ])('computes again what depends on %s', async (_name, options, environment, expected) => {
    await run();
    expect(cached(await run(options, environment))).toBe(expected);
    expect(cached(await run())).toBe('++');
  });

  test('computes again when one byte of the data differs, not when only its date does', async () => {
    await run();
    await writeFile(join(folder, 'data.txt'), 'abc');
    expect(cached(await run())).toBe('++');
    await writeFile(join(folder, 'data.txt'), 'abd');
    const records = await run();
    expect(cached(records)).toBe('--');
    expect(records[1]?.result.value).toMatchObject({ text: 'abd' });
  });

  test('computes again when the code of a stage says so', async () => {
    await run();
    expect(cached(await run({}, { stages: [{ ...read, version: 2 }, evaluate] as Stage[] }))).toBe('--');
  });

  test('computes again where half a result was left on the disk', async () => {
    await writeFile(join(folder, 'data.txt'), 'abc');
    const [first] = await run();
    await writeFile(join(first?.result.dir ?? '', 'result.json'), '{"length"');
    const [second] = await run();
    expect(second?.cached).toBe(false);
    expect(second?.result.value).toEqual({ length: 3 });
  });

  test('keeps nothing of a stage that failed', async () => {
    const broken = { ...read, run: async () => Promise.reject(new Error('no')) } as Stage;
    await expect(run({}, { stages: [broken, evaluate] as Stage[] })).rejects.toThrow('no');
    expect(cached(await run())).toBe('--');
  });

  test('a file that is missing is a typed error before anything runs', async () => {
    await expect(run({ data: join(folder, 'none.txt') })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  });

  test('stops between stages', async () => {
    const controller = new AbortController();
    const stopping = {
      ...read,
      run: async (c: Parameters<typeof read.run>[0]) => {
        controller.abort();
        return await read.run(c);
      },
    } as Stage;
    const stopped = run({}, { stages: [stopping, evaluate] as Stage[], signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    expect(cached(await run())).toBe('+-');
  });
});

describe('a run that goes on', () => {
  beforeEach(() => writeFile(join(folder, 'data.txt'), 'abc'));
  const runDir = (): string => join(folder, 'again');
  /** a stage that would choose something else each time */
  let speed = 0;
  const plan = defineStage({
    name: 'plan',
    summary: 'Choose.',
    version: 1,
    needs: ['read'],
    prefix: '',
    options: z.object({}),
    uses: [],
    run: async () => ({ steps: ++speed }),
    describe: (value) => `${value.steps} steps`,
    chooses: (value) => ({ evalLimit: value.steps }),
  });
  const train = defineStage({
    name: 'train',
    summary: 'Train.',
    version: 1,
    needs: ['plan'],
    prefix: '',
    options: z.object({}),
    uses: ['seed'],
    run: async ({ input }) => ({ steps: input(plan).value.steps }),
    describe: (value) => `${value.steps}`,
  });
  const stages = [read, plan, train] as Stage[];

  /** A run that is stopped in training; @returns what it keeps */
  async function stopped(): Promise<NonNullable<PipelineRequest['kept']>> {
    const choices: { [stage: string]: Choice } = {};
    const onChoice = async (stage: Stage, choice: Choice): Promise<void> => {
      choices[stage.name] = choice;
    };
    const interrupted: typeof train.run = async ({ logDir }) => {
      await made(join(logDir, 'checkpoints'));
      throw new Error('stopped');
    };
    const all = [read, plan, { ...train, run: interrupted }] as Stage[];
    await expect(run({}, { stages: all, runDir: runDir(), onChoice })).rejects.toThrow('stopped');
    return { code: ['of a build that is gone'], choices };
  }

  test('chooses nothing anew, even where the cache was deleted', async () => {
    const kept = await stopped();
    const chosen = kept.choices.plan?.value;
    await rm(join(folder, 'cache'), { recursive: true });
    const records = await run({}, { stages, runDir: runDir(), kept });
    expect(records[2]?.result.value).toEqual(chosen);
  });

  test('is refused where its data, options or stages have changed, and told which', async () => {
    const kept = await stopped();
    await writeFile(join(folder, 'data.txt'), 'abd');
    await expect(run({}, { stages, runDir: runDir(), kept })).rejects.toMatchObject({
      code: 'ERR_CHECKPOINT',
      message: expect.stringMatching(/stage train of .*again: cannot go on .*data\.txt has changed since/),
    });
    await writeFile(join(folder, 'data.txt'), 'abc');
    const upgraded = stages.map((stage) => (stage.name === 'plan' ? { ...stage, version: 2 } : stage));
    await expect(run({}, { stages: upgraded, runDir: runDir(), kept })).rejects.toThrow(
      /stage plan computes something else since gimbal was upgraded \(version 1, now 2\)/,
    );
    await expect(run({}, { stages, runDir: runDir(), kept, seed: 4 })).rejects.toThrow(
      /seed of stage train was 0 and is 4/,
    );
    expect(cached(await run({}, { stages, runDir: runDir(), kept }))).toBe('++-');
  });

  test('takes what the run had made with another build', async () => {
    const before = await run({}, { stages, runDir: runDir() });
    // as if the code of the results had been another one: their keys are those of a hash that is not ours
    const result = before[0]?.result.dir ?? '';
    const made = JSON.parse(await readFile(join(result, 'made-from.json'), 'utf8')) as { code: string };
    const old = hashValue({ ...made, code: 'old' });
    const { rename } = await import('node:fs/promises');
    await rename(result, join(folder, 'cache', 'read', old));
    const kept = { code: ['old'], choices: {} };
    expect(cached(await run({}, { stages: [read] as Stage[], kept }))).toBe('+');
    expect(cached(await run({}, { stages: [read] as Stage[] }))).toBe('-');
  });
});

describe('the graph', () => {
  const stage = (name: string, ...needs: string[]): Stage =>
    ({ ...read, name, needs, prefix: name, files: () => [] }) as unknown as Stage;

  test('puts each stage after those it needs', () => {
    const names = inOrder([stage('a', 'c'), stage('b'), stage('c', 'b')]).map((s) => s.name);
    expect(names).toEqual(['b', 'c', 'a']);
  });

  test('refuses a circle and a missing stage', () => {
    expect(() => inOrder([stage('a', 'b'), stage('b', 'a')])).toThrow(/needs itself/);
    expect(() => inOrder([stage('a', 'z')])).toThrow(/needs z, which does not exist/);
  });

  test('gives options the name of their stage', () => {
    expect(Object.keys(optionsOf([read, evaluate] as Stage[]).shape)).toEqual(['data', 'evalShots', 'evalLimit']);
    expect(() => optionsOf([read, { ...read, name: 'other' }] as Stage[])).toThrow(/option data exists already/);
  });
});

describe('hashes', () => {
  test('do not depend on the order of keys', () => {
    expect(canonical({ b: 1, a: { d: 2, c: 3 } })).toBe('{"a":{"c":3,"d":2},"b":1}');
    expect(hashValue({ a: 1, b: 2 })).toBe(hashValue({ b: 2, a: 1 }));
  });

  test('of a folder change with any file and any name', async () => {
    await made(join(folder, 'model'));
    await writeFile(join(folder, 'model', 'a'), '1');
    const first = await hashPath(join(folder, 'model'));
    await writeFile(join(folder, 'model', 'a'), '2');
    const second = await hashPath(join(folder, 'model'));
    await writeFile(join(folder, 'model', 'b'), '2');
    expect(new Set([first, second, await hashPath(join(folder, 'model'))]).size).toBe(3);
  });
});

describe('the code that a result depends on', () => {
  test('is of every package that stages and reinforcement learning import', async () => {
    const imported = new Set<string>();
    for (const name of ['stages', 'rl']) {
      const from = fileURLToPath(new URL(`../${name}`, import.meta.url));
      for (const file of await readdir(from, { recursive: true })) {
        if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
        const text = await readFile(join(from, file), 'utf8');
        for (const [, found] of text.matchAll(/'(@gimbal\/[\w-]+)/g)) imported.add(found as string);
      }
    }
    expect([...imported]).toEqual(expect.arrayContaining(['@gimbal/fma-pg', '@gimbal/reward-models']));
    expect(computingPackages()).toEqual(expect.arrayContaining(['gimbal', '@gimbal/tensor-native', ...imported]));
  });

  test('is the native binary too, where there is one', () => {
    for (const path of nativeBinaries()) expect(path).toMatch(/tensor-native.*\.node$/);
    expect(nativeBinaries().length > 0).toBe(isNativeAvailable());
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, saveCheckpoint } from '@gimbal/tensor-core';
import type { Given } from '../options/resolve.ts';
import { openRun, type RunFolder, type RunRequest, withRun } from './run-folder.ts';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'gimbal-runs-'));
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

/** A run whose process has ended: others may go on with it. */
const open = async (...request: Parameters<typeof start>): Promise<RunFolder> => {
  const run = await start(...request);
  await run.release();
  return run;
};
const start = (
  options: { out?: string; resume?: boolean; [name: string]: unknown } = {},
  given: readonly string[] = [],
  command = 'align',
  more: Partial<RunRequest> = {},
): Promise<RunFolder> =>
  openRun({
    ...more,
    command,
    cwd,
    options: { resume: false, steps: 10, ...options },
    given: new Map(given.map((name): [string, Given] => [name, { raw: options[name], where: `--${name}` }])),
  });

test('runs are numbered, and hold their options from the start', async () => {
  const [first, second] = [await open(), await open()];
  expect([first.path, second.path]).toEqual([join(cwd, 'runs/align-1'), join(cwd, 'runs/align-2')]);
  expect(JSON.parse(await readFile(join(first.path, 'config.json'), 'utf8'))).toMatchObject({
    command: 'align',
    node: process.version,
    options: { steps: 10 },
  });
  expect(await readdir(first.path)).toEqual(['config.json']);
});

test('a folder that cannot be made is refused at once, by name', async () => {
  await writeFile(join(cwd, 'file'), '');
  await expect(open({ out: join(cwd, 'file/below/run') })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  // Node's recursive mkdir never ends here
  if (process.platform === 'linux') {
    await expect(open({ out: '/proc/gimbal/run' })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  }
});

test('a run that was refused before its first stage leaves no folder', async () => {
  const run = await open();
  await mkdir(join(run.path, 'stages'));
  await writeFile(join(run.path, 'stages/data.json'), '{}');
  await run.abandonIfEmpty();
  expect(await readdir(join(cwd, 'runs'))).toEqual([]);
  const begun = await open();
  await mkdir(join(begun.path, 'stages/pretrain'), { recursive: true });
  await begun.abandonIfEmpty();
  expect(await readdir(begun.path)).toContain('config.json');
});

test('a name goes below runs/, a path is taken as it is', async () => {
  expect((await open({ out: 'mine' })).path).toBe(join(cwd, 'runs/mine'));
  expect((await open({ out: join(cwd, 'elsewhere/mine') })).path).toBe(join(cwd, 'elsewhere/mine'));
});

test('a folder that holds something is refused without --resume', async () => {
  await open({ out: 'mine' });
  await expect(open({ out: 'mine' })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringMatching(/runs\/mine exists already\. Add --resume/),
  });
  await mkdir(join(cwd, 'data'));
  await writeFile(join(cwd, 'data/a.txt'), 'mine');
  await expect(open({ out: join(cwd, 'data') })).rejects.toMatchObject({ code: 'ERR_CONFIG' });
  await expect(open({ out: join(cwd, 'data'), resume: true })).rejects.toThrow(/holds no run/);
});

test.each(['{', 'null', '{}'])('a configuration of %s is named as what is damaged', async (text) => {
  const { path } = await open({ out: 'mine' });
  await writeFile(join(path, 'config.json'), text);
  await expect(open({ out: 'mine', resume: true })).rejects.toMatchObject({
    code: 'ERR_CONFIG',
    message: expect.stringMatching(/config\.json is not the configuration of a run\. Restore that file/),
  });
});

test('--resume takes the newest run of the command, with its options', async () => {
  await open({ steps: 1 });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const newest = await open({ steps: 2, out: 'b' });
  await open({}, [], 'reproduce');
  const resumed = await open({ resume: true });
  expect(resumed.path).toBe(newest.path);
  expect(resumed.config.options.steps).toBe(2);
});

test('an option that matters may not differ when a run is resumed', async () => {
  await open({ out: 'a', steps: 10 });
  await expect(open({ out: 'a', resume: true, steps: 11 }, ['steps'])).rejects.toMatchObject({
    message: expect.stringMatching(/--steps differs from the run in .*a; got 11, wanted 10/),
  });
  await expect(open({ out: 'a', resume: true, steps: 10, json: true }, ['steps', 'json'])).resolves.toBeDefined();
});

test('more steps train a run on where its command says so; fewer are refused', async () => {
  const said: string[] = [];
  const more = { longer: { steps: 100, told: 'The rate rises' }, note: (text: string) => void said.push(text) };
  const again = (steps: number) => open({ out: 'a', resume: true, steps }, ['steps'], 'align', more);
  await open({ out: 'a', steps: 10 });
  await expect(again(9)).rejects.toThrow(/--steps differs .* got 9, wanted 10\. .*give more to train on/);
  expect((await again(10)).config.options.steps).toBe(10);
  expect(said).toEqual([]);
  const longer = await again(11);
  expect(longer.config.options.steps).toBe(11);
  expect(JSON.parse(await readFile(join(longer.path, 'config.json'), 'utf8')).options.steps).toBe(11);
  expect(said).toEqual([`${longer.path} is trained on, to 11 steps in all. The rate rises`]);
  await expect(again(10)).rejects.toThrow('got 10, wanted 11');
  // where none was given it is the command's own number that must grow
  await open({ out: 'b', steps: undefined });
  const of = (steps: number) => open({ out: 'b', resume: true, steps }, ['steps'], 'align', more);
  await expect(of(50)).rejects.toThrow('--steps differs');
  expect((await of(101)).config.options.steps).toBe(101);
});

test.each(['.', 'training'])(
  'more steps after checkpoints that are all damaged change nothing (in %s)',
  async (below) => {
    const run = await open({ out: 'a', steps: 10 });
    const checkpoints = join(run.path, below, 'checkpoints');
    const about = { trees: {}, state: 1, config: {}, version: '1' };
    const last = await saveCheckpoint(checkpoints, { step: 2, ...about });
    const config = await readFile(join(run.path, 'config.json'), 'utf8');
    const said: string[] = [];
    const more = { longer: { steps: 100, told: '' }, note: (text: string) => void said.push(text) };
    const again = () => open({ out: 'a', resume: true, steps: 11 }, ['steps'], 'align', more);
    const state = await readFile(join(last, 'state.json'));
    await writeFile(join(last, 'state.json'), '{');
    // twice: the first leaves it to others, too
    for (let k = 0; k < 2; k++) await expect(again()).rejects.toMatchObject({ code: 'ERR_CHECKPOINT' });
    expect(await readFile(join(run.path, 'config.json'), 'utf8')).toBe(config);
    expect(said).toEqual([]);
    await writeFile(join(last, 'state.json'), state);
    expect((await again()).config.options.steps).toBe(11);
  },
);

test('what a run found out for itself may be said when it goes on, and nothing else', async () => {
  const run = await open({ out: 'a' });
  await run.update({ resolved: { rate: 0.001 } });
  const again = (rate: number) => open({ out: 'a', resume: true, rate }, ['rate']);
  expect((await again(0.001)).path).toBe(run.path);
  await expect(again(0.01)).rejects.toThrow(/--rate differs from .*got 0\.01, wanted 0\.001\. /);
});

test('work that is refused when a run goes on leaves its options as they were', async () => {
  const { path } = await open({ out: 'a' });
  await mkdir(join(path, 'training'));
  const config = () => readFile(join(path, 'config.json'), 'utf8');
  const began = await config();
  const longer = (error: Error) =>
    withRun(
      {
        ...{ command: 'align', cwd, options: { out: 'a', resume: true, steps: 11 } },
        ...{ given: new Map([['steps', { raw: '11', where: '--steps' }]]), longer: { steps: 100, told: '' } },
      },
      async (run) => {
        await run.update({ resolved: { rate: 0.001 } });
        throw error;
      },
    );
  const refusal = new CheckpointError({ where: 'a', what: 'another rate' });
  await expect(longer(refusal)).rejects.toBe(refusal);
  expect(await config()).toBe(began);
  // one that was stopped while it learnt goes on to the steps that it was given
  await expect(longer(new Error('stopped'))).rejects.toThrow('stopped');
  expect(JSON.parse(await config())).toMatchObject({ options: { steps: 11 }, resolved: { rate: 0.001 } });
});

test('there must be a run to resume, and of the same command', async () => {
  await expect(open({ resume: true })).rejects.toThrow(/no run of align/);
  await open({ out: 'r' }, [], 'reproduce');
  await expect(open({ out: 'r', resume: true })).rejects.toThrow(/a run of another command; got "reproduce"/);
});

describe('one process at a time', () => {
  test('works in a run; the other is told which one', async () => {
    const run = await start({ out: 'a' });
    await expect(start({ out: 'a', resume: true })).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringMatching(new RegExp(`another process works in .*a; got "process ${process.pid} on`)),
    });
    await run.release();
    await (await start({ out: 'a', resume: true })).release();
    expect(await readdir(run.path)).toEqual(['config.json']);
  });

  test('goes on behind one that was killed, and only one of two does', async () => {
    const { path } = await open({ out: 'a' });
    const gone = { pid: 2 ** 22 + 1, host: hostname(), since: 'then' }; // above the largest process id of Linux
    await writeFile(join(path, '.lock'), JSON.stringify(gone));
    const both = await Promise.allSettled([start({ out: 'a', resume: true }), start({ out: 'a', resume: true })]);
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await readdir(path)).sort()).toEqual(['.lock', 'config.json']);
  });

  test('goes on behind one that was killed and had the same process id, as in a container', async () => {
    const { path } = await open({ out: 'a' });
    const gone = { pid: process.pid, host: hostname(), since: 'then' };
    await writeFile(join(path, '.lock'), JSON.stringify(gone));
    const both = await Promise.allSettled([start({ out: 'a', resume: true }), start({ out: 'a', resume: true })]);
    expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('on another machine is believed', async () => {
    const { path } = await open({ out: 'a' });
    await writeFile(join(path, '.lock'), JSON.stringify({ pid: 1, host: 'elsewhere', since: 'then' }));
    await expect(start({ out: 'a', resume: true })).rejects.toThrow(
      /process 1 on elsewhere, since then.*delete .*\.lock/,
    );
  });
});

test('config.json says what was settled while running', async () => {
  const run = await open({ out: 'a' });
  await run.update({ again: 'npx gimbal align --size tiny' });
  await run.update({ code: ['abc'] });
  const resumed = await open({ out: 'a', resume: true });
  expect(resumed.config).toMatchObject({
    again: 'npx gimbal align --size tiny',
    code: ['abc'],
    options: { steps: 10 },
  });
});

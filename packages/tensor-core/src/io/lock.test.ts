/** What the lock promises: one holder at a time, and none that is gone. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { bundleHelper } from '../../test/helpers/child.ts';
import { takeLock } from './lock.node.ts';

const scripts = mkdtempSync(join(tmpdir(), 'gimbal-lock-script-'));
const script = bundleHelper('take-lock.ts', scripts);
afterAll(() => rmSync(scripts, { recursive: true }));

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gimbal-lock-'));
  file = join(folder, '.lock');
});
afterEach(() => rm(folder, { recursive: true }));

const host = hostname();
const dead = 2 ** 22 + 1; // above the largest process id of Linux
const now = (): string => new Date().toISOString();

function take(): () => void {
  const taken = takeLock(file);
  if (typeof taken !== 'function') throw new Error(`held by ${JSON.stringify(taken)}`);
  return taken;
}

test('is taken by one, and free again when it is released', () => {
  const release = take();
  expect(takeLock(file)).toMatchObject({ pid: process.pid, host, since: expect.stringMatching(/^\d{4}-/) });
  release();
  expect(readdirSync(folder)).toEqual([]);
  take();
  expect(readdirSync(folder)).toEqual(['.lock']);
});

test('released twice, or after another took it, it does nothing', () => {
  const first = take();
  first();
  const second = take();
  first();
  expect(takeLock(file)).toMatchObject({ pid: process.pid });
  const text = JSON.stringify({ pid: process.ppid, host, since: now() });
  writeFileSync(file, text);
  second();
  expect(readFileSync(file, 'utf8')).toBe(text);
});

const abandoned = {
  'an empty file': '',
  'one without a process': '{"host":"x"}',
  'what is no lock': 'no JSON',
  'one of a process that is gone': JSON.stringify({ pid: dead, host, since: now() }),
  'one of an earlier process of this id': JSON.stringify({ pid: process.pid, host, since: '2001-01-01T00:00:00.000Z' }),
};
test.each(Object.entries(abandoned))('%s is taken over', (_, text) => {
  writeFileSync(file, text);
  take();
  expect(readdirSync(folder)).toEqual(['.lock']);
});

test('a process of another machine is believed, or taken to have ended', () => {
  writeFileSync(file, JSON.stringify({ pid: dead, host: 'elsewhere', since: 'then' }));
  expect(takeLock(file)).toEqual({ pid: dead, host: 'elsewhere', since: 'then' });
  expect(takeLock(file, false)).toBeInstanceOf(Function);
});

test('a link that leads nowhere is taken over, and a folder in its place is the system’s error', () => {
  symlinkSync(join(folder, 'none'), file);
  take()();
  expect(readdirSync(folder)).toEqual([]);
  expect(() => takeLock(join(folder, 'none', '.lock'))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  file = folder;
  expect(take).toThrow(expect.objectContaining({ code: 'EISDIR' }));
});

test('one that was killed while it took an abandoned lock over holds nobody up for long', () => {
  writeFileSync(file, abandoned['an empty file']);
  const turn = `${file}.e3b0c44298fc-0.taking`; // SHA-256 of nothing
  writeFileSync(turn, '');
  utimesSync(turn, new Date(0), new Date(0));
  take();
  expect(readdirSync(folder)).toEqual(['.lock']);
});

const free = { release: true };

/** Several processes; `ask` sends each a message and gives the answers. */
async function withProcesses(
  count: number,
  argument: string,
  use: (ask: (message: string | typeof free) => Promise<unknown[]>) => Promise<void>,
): Promise<void> {
  const all = Array.from({ length: count }, () => fork(script, [argument], { execArgv: [] }));
  try {
    await use((message) =>
      Promise.all(
        all.map(async (one) => {
          const answer = once(one, 'message');
          one.send(message);
          return (await answer)[0];
        }),
      ),
    );
  } finally {
    for (const one of all) one.kill();
  }
}

test('a process that lives holds it until it is killed', async () => {
  let pid: number | undefined;
  await withProcesses(1, 'links', async (ask) => {
    expect(await ask(file)).toEqual(['taken']);
    const holder = takeLock(file);
    expect(holder).toMatchObject({ pid: expect.any(Number), host });
    pid = (holder as { pid: number }).pid;
    expect(pid).not.toBe(process.pid);
  });
  while (isAlive(pid as number)) await new Promise((resolve) => setTimeout(resolve, 5));
  take();
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('another thread of the process is refused, and its lock is not taken from it', async () => {
  const worker = new Worker(script);
  try {
    const ask = async (message: string | typeof free): Promise<unknown> => {
      const answer = once(worker, 'message');
      worker.postMessage(message);
      return (await answer)[0];
    };
    const release = take();
    expect(await ask(file)).toMatchObject({ pid: process.pid });
    release();
    expect(await ask(file)).toBe('taken');
    expect(takeLock(file)).toMatchObject({ pid: process.pid });
    await ask(free);
    take();
  } finally {
    await worker.terminate();
  }
});

test.each(['links', 'no-links'])('of several processes one takes over what is abandoned (%s)', async (argument) => {
  await withProcesses(4, argument, async (ask) => {
    for (let round = 0; round < 60; round++) {
      // none, one of a process that is gone, an empty one
      if (round % 3 > 0) writeFileSync(file, round % 3 > 1 ? '' : JSON.stringify({ pid: dead, host, round }));
      const answers = await ask(file);
      expect(answers.filter((answer) => answer === 'taken')).toHaveLength(1);
      for (const answer of answers) if (answer !== 'taken') expect(answer).toMatchObject({ pid: expect.any(Number) });
      await ask(free);
      expect(readdirSync(folder)).toEqual([]);
    }
  });
});

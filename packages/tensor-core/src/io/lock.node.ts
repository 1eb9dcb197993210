/**
 * A file that names the process that holds something. One that was killed leaves it behind; the next process sees that
 * nobody holds it any more. The file appears complete (a link to one that is written), and an abandoned one is deleted
 * by the only process that may.
 */
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { linkSync, lstatSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';

/** Who holds a lock. */
export interface LockHolder {
  /** Id of the process. */
  pid: number;
  /** Name of its machine. */
  host?: string;
  /** ISO date and time */
  since?: string;
}

/**
 * When this process began, in ms, with a second of slack. A container that is started again gives its processes the ids
 * of the ones that were killed. The uptime stands still while a machine sleeps, so it is looked at once.
 */
const began = Math.min(performance.timeOrigin, Date.now() - process.uptime() * 1000) - 1000;
/** deleting an abandoned lock takes no longer, unless its process was killed meanwhile */
const takingMs = 2000;
const triesMs = 10_000;

/**
 * Takes a lock: for this process, all its threads included.
 * @param file its folder must exist
 * @param elsewhere whether a process of another machine, which cannot be asked, holds what it took
 * @returns gives it free again (twice is fine), or who holds it
 * @throws the system's error where the file cannot be written; EBUSY where others keep taking it for ten seconds
 */
export function takeLock(file: string, elsewhere = true): (() => void) | LockHolder {
  const mine = JSON.stringify({
    ...{ pid: process.pid, host: hostname(), since: new Date().toISOString() },
    id: randomUUID(), // no two locks are the same text
  });
  for (const end = Date.now() + triesMs; Date.now() < end; ) {
    if (place(file, mine)) return () => release(file, mine);
    const text = read(file);
    if (text === undefined) {
      pause(); // given free in between, or, without links, just being written
      continue;
    }
    const holder = holderOf(text);
    if (holder !== undefined && isHeld(holder, elsewhere)) return holder;
    // read again: meanwhile another process may have deleted it and taken the lock
    const isOurs = alone(file, text, () => {
      if (read(file) === text) rmSync(file, { force: true });
    });
    if (!isOurs) pause();
  }
  throw Object.assign(new Error(`EBUSY: ${file} cannot be taken`), { code: 'EBUSY' });
}

/** @returns whether the lock is ours now */
function place(file: string, text: string): boolean {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}-${randomInt(2 ** 40)}.partial`);
  try {
    writeFileSync(temporary, text, { flag: 'wx' });
    linkSync(temporary, file);
    return true;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (syscall !== 'link' || !noLinks.has(code)) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  // without links it is empty for a moment: whoever would delete an empty one waits for its turn
  let placed = false;
  alone(file, '', () => {
    placed = create(file, text);
  });
  return placed;
}

const noLinks = new Set<string | undefined>(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

/** @returns whether there was no such file */
function create(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** @returns undefined where there is none; a link that leads nowhere names nobody */
function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ? '' : undefined;
  }
}

/**
 * Does what one process at a time may do about a lock of this text. Where a process was killed in its turn, the next turn
 * has another name: a name that was deleted and made again would be deleted by a third process that saw the old one.
 * @returns whether it was done: false while it is another's turn
 */
function alone(file: string, text: string, action: () => void): boolean {
  const id = createHash('sha256').update(text).digest('hex').slice(0, 12);
  const turns: string[] = [];
  for (;;) {
    const turn = `${file}.${id}-${turns.length}.taking`;
    turns.push(turn);
    if (create(turn, '')) break;
    const begun = statSync(turn, { throwIfNoEntry: false })?.mtimeMs;
    if (begun === undefined || Math.abs(Date.now() - begun) < takingMs) return false;
  }
  try {
    action();
    return true;
  } finally {
    for (const turn of turns) rmSync(turn, { force: true });
  }
}

const pause = (): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);

function release(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}

/** @returns undefined for what names no process */
function holderOf(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as Partial<LockHolder> | null;
    return Number.isInteger(holder?.pid) ? (holder as LockHolder) : undefined;
  } catch {
    return undefined;
  }
}

function isHeld({ pid, host, since }: LockHolder, elsewhere: boolean): boolean {
  if (host !== hostname()) return elsewhere;
  if (pid === process.pid) return Date.parse(since ?? '') >= began;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * A file that names the process that holds something. One that was killed leaves it behind; the next process sees that
 * nobody holds it any more.
 */
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who holds a lock; empty while it is being written. */
export interface LockHolder {
  /** Id of the process. */
  pid?: number;
  /** Name of its machine. */
  host?: string;
  /** ISO date and time */
  since?: string;
}

/** Locks of this process. A container that is started again gives its processes the ids of the ones that were killed. */
const held = new Set<string>();
let count = 0;
/** a lock that is empty for longer was being written when the power went */
const writingMs = 5000;

/**
 * Takes a lock.
 * @param file its folder must exist
 * @param elsewhere whether a process of another machine, which cannot be asked, holds what it took
 * @returns gives it free again (twice is fine), or who holds it
 */
export function takeLock(file: string, elsewhere = true): (() => void) | LockHolder {
  const mine = JSON.stringify({
    ...{ pid: process.pid, host: hostname(), since: new Date().toISOString() },
    number: count++,
  });
  held.add(mine); // before another call can read it
  try {
    for (;;) {
      try {
        writeFileSync(file, mine, { flag: 'wx' });
        return () => release(file, mine);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const text = read(file);
      if (text === undefined) continue; // given free in between
      const holder = holderOf(text);
      if (isHeld(file, text, holder, elsewhere)) {
        held.delete(mine);
        return holder;
      }
      setAside(file, text);
    }
  } catch (error) {
    held.delete(mine);
    throw error;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** An abandoned lock is moved away before it is deleted: of two processes that find it, one succeeds. */
function setAside(file: string, text: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  // another process may have taken the lock between our look at it and the rename: then it gets it back
  if (read(aside) !== text) renameSync(aside, file);
  else rmSync(aside, { force: true });
}

function release(file: string, mine: string): void {
  if (!held.delete(mine)) return;
  if (read(file) === mine) rmSync(file, { force: true });
}

function holderOf(text: string): LockHolder {
  try {
    return (JSON.parse(text) as LockHolder | null) ?? {};
  } catch {
    return {};
  }
}

function isHeld(file: string, text: string, { pid, host }: LockHolder, elsewhere: boolean): boolean {
  if (pid === undefined) {
    const written = statSync(file, { throwIfNoEntry: false });
    return text === '' && written !== undefined && Date.now() - written.mtimeMs < writingMs;
  }
  if (host !== hostname()) return elsewhere;
  if (pid === process.pid) return held.has(text);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

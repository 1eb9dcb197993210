// One process at a time works in a run's folder: a file .lock names it. One that was killed leaves its lock behind; the
// next process sees that nobody holds it any more.
import { open, readFile, rename, rm, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@gimbal/tensor-core';

const lockName = '.lock';

/** Locks of this process. A container that is started again gives its processes the ids of the ones that were killed. */
const held = new Set<string>();
let count = 0;

/** @returns gives the folder free again; @throws ConfigError while another process works in it */
export async function lockFolder(path: string, where: string): Promise<() => Promise<void>> {
  const file = join(path, lockName);
  const since = new Date().toISOString();
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), since, number: count++ });
  for (let tries = 0; ; tries++) {
    try {
      const handle = await open(file, 'wx');
      held.add(mine); // before another call can read it
      await handle.writeFile(mine);
      await handle.close();
      return () => release(file, mine);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const text = await readFile(file, 'utf8').catch(() => '');
    if (text === '' && tries < 3) {
      await new Promise((resolve) => setTimeout(resolve, 30)); // it may be written at this moment
      continue;
    }
    if (tries > 5 || isHeld(text)) throw inUse(path, file, text, where);
    await setAside(file, text);
  }
}

/** An abandoned lock is moved away before it is deleted: of two processes that find it, one succeeds. */
async function setAside(file: string, text: string): Promise<void> {
  const aside = `${file}.${process.pid}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  // another process may have taken the lock between our look at it and the rename: then it gets it back
  if ((await readFile(aside, 'utf8')) !== text) await rename(aside, file);
  else await unlink(aside);
}

async function release(file: string, mine: string): Promise<void> {
  held.delete(mine);
  if ((await readFile(file, 'utf8').catch(() => '')) === mine) await rm(file, { force: true });
}

interface Holder {
  pid?: number;
  host?: string;
  since?: string;
}

/** A lock that is still empty is being written at this moment, or was when the power went. */
function holderOf(text: string): Holder {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return {};
  }
}

function isHeld(text: string): boolean {
  const { pid, host } = holderOf(text);
  if (pid === undefined) return false;
  if (host !== hostname()) return true; // it cannot be asked
  if (pid === process.pid) return held.has(text);
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function inUse(path: string, file: string, text: string, where: string): ConfigError {
  const { pid, host, since } = holderOf(text);
  return new ConfigError({
    where,
    what: `another process works in ${path}`,
    got: `process ${pid} on ${host}, since ${since}`,
    fix: `Wait for it or stop it, or choose another --out. If it is no gimbal, delete ${file}`,
  });
}

// One file of the hub into the cache's blobs. What an earlier try has left is gone on from. Nobody writes into a part that
// another writes: callers of one process wait for each other, and a process renames a part to a name of its own first.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { CheckpointError, StoppedError } from '@gimbal/tensor-core';

/** A file as the hub lists it. */
export interface HubFile {
  path: string;
  size: number;
  /** Its name among the cache's blobs. */
  blob: string;
  /** Of files in large file storage. */
  sha256: string | undefined;
  /** Of others: git's hash of a blob, the SHA-1 of `blob <size>\0` and the file. */
  git: string | undefined;
}

/** What a caller hears of a download, and how he stops it. */
export interface Watch {
  onProgress?(file: string, done: number, total: number): void;
  signal?: AbortSignal;
}

const goOn = 'Call it again: it goes on from what has come';

/** The error of a download that its signal has stopped. */
export const stopped = (at: string): StoppedError =>
  new StoppedError({ where: 'download', what: `stopped at ${at}`, fix: goOn });

/** Downloads of this process by blob; each ends without an error. */
const coming = new Map<string, Promise<void>>();

/**
 * Downloads into `blob`, unless another caller has meanwhile.
 * @throws CheckpointError for a download that broke off or came damaged, StoppedError when the signal asks for it
 */
export async function fetchBlob(file: HubFile, blob: string, o: Watch, open: () => Promise<Blob>): Promise<void> {
  for (let others = coming.get(blob); others !== undefined; others = coming.get(blob)) {
    await waitFor(others, file, o);
  }
  if (existsSync(blob)) return;
  const own = download(file, blob, o, open).finally(() => coming.delete(blob));
  coming.set(
    blob,
    own.catch(() => {}), // its own caller hears of it
  );
  await own;
}

const waitFor = (others: Promise<void>, { path }: HubFile, { signal }: Watch): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(stopped(path));
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop, { once: true });
    void others.then(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    });
  });

async function download(file: HubFile, blob: string, o: Watch, open: () => Promise<Blob>): Promise<void> {
  await mkdir(dirname(blob), { recursive: true });
  const part = await claimPart(blob);
  let done = (await stat(part).catch(() => undefined))?.size ?? 0;
  if (done > file.size) {
    await rm(part);
    done = 0;
  }
  if (done < file.size || file.size === 0) {
    try {
      const whole = await open();
      const rest = Readable.fromWeb((done === 0 ? whole : whole.slice(done)).stream() as ReadableStream);
      rest.on('data', (chunk: Uint8Array) => {
        done += chunk.length;
        o.onProgress?.(file.path, done, file.size);
      });
      await pipeline(rest, createWriteStream(part, { flags: 'a' }), ...(o.signal ? [{ signal: o.signal }] : []));
    } catch (cause) {
      // whoever tries next goes on from it, in whatever process
      await rename(part, unclaimed(blob)).catch(() => {});
      if (o.signal?.aborted) throw stopped(file.path);
      if ((cause as { code?: unknown }).code === 'ERR_CHECKPOINT') throw cause;
      throw new CheckpointError({
        where: file.path,
        what: 'the download broke off',
        got: `${done} of ${file.size} bytes`,
        fix: goOn,
        cause,
      });
    }
  }
  const { size } = await stat(part);
  const isRight = size === file.size && (await isHashed(part, file));
  if (!isRight) {
    await rm(part);
    throw new CheckpointError({
      where: file.path,
      what: 'the file came damaged',
      got: `${size} bytes`,
      wanted: `${file.size} bytes with the hub's hash`,
      fix: 'Try again',
    });
  }
  await rename(part, blob);
  await rm(unclaimed(blob), { force: true });
}

/** What a try has left that nobody goes on from yet. */
const unclaimed = (blob: string): string => `${blob}.incomplete`;

/** This process's part of a blob, with what an earlier try has left where there is something. */
async function claimPart(blob: string): Promise<string> {
  // a cache may be shared between machines, where ids of processes say nothing
  const start = `${basename(blob)}.gimbal-${hostname().replace(/[^\w-]/g, '_')}-`;
  const own = `${blob.slice(0, -basename(blob).length)}${start}${process.pid}.incomplete`;
  const left = (await readdir(dirname(blob))).filter((name) => {
    if (name === basename(unclaimed(blob))) return true;
    const pid = name.startsWith(start) ? /^(\d+)\.incomplete$/.exec(name.slice(start.length))?.[1] : undefined;
    return pid !== undefined && !isRunning(Number(pid));
  });
  for (const name of left) {
    // another process may have taken it meanwhile
    if (!existsSync(own)) await rename(join(dirname(blob), name), own).catch(() => {});
  }
  return own;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function isHashed(path: string, { size, sha256, git }: HubFile): Promise<boolean> {
  const wanted = sha256 ?? git;
  if (wanted === undefined) return true;
  const hash = createHash(sha256 === undefined ? 'sha1' : 'sha256');
  if (sha256 === undefined) hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex') === wanted;
}

/**
 * Files and folders that are either there completely or not at all: everything is written under a temporary name,
 * forced to disk, and renamed; the rename is forced to disk too. A process killed at any moment leaves the old
 * content under the name and at most a temporary beside it, which the next write to the same name removes.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type FileSystem, nodeFileSystem, writeError } from './file-system.node.ts';

export type Content = string | Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Writes a file in one piece.
 * @param path its folder must exist
 * @throws CheckpointError for a full disk or a missing permission; the old file is untouched
 */
export async function writeFileAtomic(path: string, content: Content, fs: FileSystem = nodeFileSystem): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await removeLeftovers(path, fs);
    await writeFileDurable(temporary, content, fs);
    await fs.rename(temporary, path);
    await fs.syncDirectory(dirname(path));
  } catch (error) {
    await fs.remove(temporary).catch(() => {}); // the first error is the one to report
    throw writeError(error, path);
  } finally {
    inProgress.delete(temporary);
  }
}

/** Creates a file (which must not exist) and forces it to disk; returns its size in bytes. */
export async function writeFileDurable(
  path: string,
  content: Content,
  fs: FileSystem = nodeFileSystem,
): Promise<number> {
  const file = await fs.create(path);
  let bytes = 0;
  try {
    for await (const chunk of pieces(content)) {
      await file.write(chunk);
      bytes += chunk.byteLength;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return bytes;
}

/**
 * Writes a folder in one piece.
 * @param path must not exist yet
 * @param fill writes the files into the temporary folder it is given; each must be durable (`writeFileDurable`)
 * @throws what `fill` throws; CheckpointError for a full disk or a missing permission
 */
export async function writeDirectoryAtomic(
  path: string,
  fill: (temporary: string) => Promise<void>,
  fs: FileSystem = nodeFileSystem,
): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await fs.makeDirectory(dirname(path));
    await removeLeftovers(path, fs);
    await fs.makeDirectory(temporary);
    await fill(temporary);
    await fs.syncDirectory(temporary);
    await fs.rename(temporary, path);
    await fs.syncDirectory(dirname(path));
  } catch (error) {
    await fs.remove(temporary).catch(() => {}); // the first error is the one to report
    throw writeError(error, path);
  } finally {
    inProgress.delete(temporary);
  }
}

/** True for the names that writes in progress (or killed ones) use. */
export const isTemporaryName = (name: string): boolean => /^\..+\.\d+-\d+\.partial$/.test(name);

/** Temporaries of writes in progress here; whatever else carries our process id is left from an earlier life of it. */
const inProgress = new Set<string>();
let count = 0;

/** A hidden name in the same folder (a rename must not cross file systems), with the process in it. */
function temporaryName(path: string): string {
  const name = join(dirname(path), `.${basename(path)}.${process.pid}-${count++}.partial`);
  inProgress.add(name);
  return name;
}

/** Removes temporaries of the same target that killed processes left. */
async function removeLeftovers(path: string, fs: FileSystem): Promise<void> {
  const prefix = `.${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const full = join(dirname(path), name);
    if (name.startsWith(prefix) && isTemporaryName(name) && !inProgress.has(full) && !isOthers(name))
      await fs.remove(full);
  }
}

/** Whether the process that a temporary name carries is another one that still runs. */
function isOthers(name: string): boolean {
  const pid = Number(/\.(\d+)-\d+\.partial$/.exec(name)?.[1]);
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}

async function* pieces(content: Content): AsyncGenerator<Uint8Array> {
  if (typeof content === 'string') yield new TextEncoder().encode(content);
  else if (ArrayBuffer.isView(content)) yield content;
  else yield* content;
}

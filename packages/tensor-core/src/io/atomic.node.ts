/**
 * Files and folders that are either there completely or not at all: everything is written under a temporary name,
 * forced to disk, and renamed; the rename is forced to disk too. A process killed at any moment leaves the old
 * content under the name and at most a temporary beside it, which the next write to the same name removes.
 */
import { lstat, open, readdir, realpath, rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CheckpointError } from '../errors.ts';
import { type FileSystem, nodeFileSystem, writeError } from './file-system.node.ts';

export type Content = string | Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * Writes a file in one piece; through a link, the file it leads to. A device or a pipe is no file to replace: it is written to.
 * @param name its folder must exist
 * @throws CheckpointError for a full disk or a missing permission; the old file is untouched
 */
export async function writeFileAtomic(name: string, content: Content, fs: FileSystem = nodeFileSystem): Promise<void> {
  const there = await stat(name).catch(() => undefined);
  if (there !== undefined && !there.isFile() && !there.isDirectory()) return writeInto(name, content);
  const path = await linked(name);
  const temporary = temporaryName(path);
  try {
    await removeLeftovers(dirname(path), fs, basename(path));
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

async function writeInto(path: string, content: Content): Promise<void> {
  try {
    const file = await open(path, 'w');
    try {
      for await (const chunk of pieces(content)) await file.writeFile(chunk);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw writeError(error, path);
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
 * Writes a folder in one piece. With `replace` an existing folder is replaced (through a link, the one it leads to); without
 * it, it is an error.
 * @param fill writes the files into the temporary folder it is given; each must be durable (`writeFileDurable`)
 * @throws what `fill` throws; CheckpointError for a file under that name, a full disk or a missing permission
 */
export async function writeDirectoryAtomic(
  name: string,
  fill: (temporary: string) => Promise<void>,
  fs: FileSystem = nodeFileSystem,
  { replace = false }: { replace?: boolean } = {},
): Promise<void> {
  const there = await stat(name).catch(() => undefined);
  if (there !== undefined && !there.isDirectory())
    throw new CheckpointError({
      where: name,
      what: 'a folder is to be written, and there is a file of that name',
      fix: 'Give another name; the file is untouched',
    });
  const path = await linked(name);
  const temporary = temporaryName(path);
  try {
    await fs.makeDirectory(dirname(path));
    if (replace) await recoverReplaced(path);
    await removeLeftovers(dirname(path), fs, basename(path));
    await fs.makeDirectory(temporary);
    await fill(temporary);
    await fs.syncDirectory(temporary);
    // folders cannot be renamed over each other: the old one steps aside (recoverReplaced puts it back after a kill)
    const aside = replace && (await exists(path)) ? `${temporary.slice(0, -'.partial'.length)}.replaced` : undefined;
    if (aside !== undefined) await fs.rename(path, aside);
    await fs.rename(temporary, path);
    await fs.syncDirectory(dirname(path));
    if (aside !== undefined) await fs.remove(aside);
  } catch (error) {
    // the first error is the one to report
    await fs.remove(temporary).catch(() => {});
    if (replace) await recoverReplaced(path).catch(() => {});
    throw writeError(error, path);
  } finally {
    inProgress.delete(temporary);
  }
}

/** Removes a folder so that it is never seen half removed: it gets a temporary name first. */
export async function removeAtomic(path: string, fs: FileSystem = nodeFileSystem): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await fs.rename(path, temporary);
    await fs.remove(temporary);
  } finally {
    inProgress.delete(temporary);
  }
}

/** Puts a folder back that stepped aside for its replacement when the process was killed between the two renames. */
export async function recoverReplaced(path: string): Promise<void> {
  if (await exists(path)) return;
  const names = await readdir(dirname(path)).catch(() => []); // no such folder: nothing to recover
  // the whole name: that of `model.v2` begins like that of `model`; and not from under another process's hands
  const aside = names.find(
    (name) => name.endsWith('.replaced') && targetOf(name) === basename(path) && !isOthers(name),
  );
  if (aside !== undefined) await rename(join(dirname(path), aside), path);
}

/** Where a link leads; any other name as it is. A link that leads nowhere is replaced. */
async function linked(name: string): Promise<string> {
  const link = await lstat(name).then(
    (entry) => entry.isSymbolicLink(),
    () => false,
  );
  return link ? realpath(name).catch(() => name) : name;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** True for the names that writes in progress (or killed ones) use. */
export const isTemporaryName = (name: string): boolean => targetOf(name) !== undefined;

/** Temporaries of writes in progress here; whatever else carries our process id is left from an earlier life of it. */
const inProgress = new Set<string>();
let count = 0;

/** A hidden name in the same folder (a rename must not cross file systems), with the process in it. */
function temporaryName(path: string): string {
  const name = join(dirname(path), `.${basename(path)}.${process.pid}-${count++}.partial`);
  inProgress.add(name);
  return name;
}

/**
 * Removes temporaries that killed processes left in a folder. What stepped aside for a replacement that never came stays.
 * @param target only those of this name; default all
 */
export async function removeLeftovers(folder: string, fs: FileSystem = nodeFileSystem, target?: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names) {
    const path = join(folder, name);
    const of = targetOf(name);
    if (of === undefined || inProgress.has(path) || isOthers(name)) continue;
    if (target !== undefined && of !== target) continue;
    if (name.endsWith('.replaced') && !names.includes(of)) continue;
    await fs.remove(path);
  }
}

/** What a temporary name stands for; undefined of any other name. */
const targetOf = (name: string): string | undefined => /^\.(.+)\.\d+-\d+\.(?:partial|replaced)$/.exec(name)?.[1];

/** Whether the process that a temporary name carries is another one that still runs. */
function isOthers(name: string): boolean {
  const pid = Number(/\.(\d+)-\d+\.(?:partial|replaced)$/.exec(name)?.[1]);
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

/**
 * The part of node:fs that writing safely needs. A parameter wherever something is written, so that tests can let any
 * single call fail (a full disk, a lost permission) and see what is left behind.
 */
import * as fs from 'node:fs/promises';
import { CheckpointError } from '../errors.ts';
import { makeFolder } from './make-folder.node.ts';

/** A file that is being written. */
export interface WritableFile {
  /** Writes all of `bytes` at the current position. */
  write(bytes: Uint8Array): Promise<void>;
  /** Forces what was written onto the disk. */
  sync(): Promise<void>;
  /** Closes it. */
  close(): Promise<void>;
}

/** What writing needs of a file system. */
export interface FileSystem {
  /** Creates a file; fails if it exists. */
  create(path: string): Promise<WritableFile>;
  /** Renames a file or folder, replacing a file that is there. */
  rename(from: string, to: string): Promise<void>;
  /** Creates a folder and those above it; fine if it is there. */
  makeDirectory(path: string): Promise<void>;
  /** Removes a file or folder with all in it; fine if there is none. */
  remove(path: string): Promise<void>;
  /** Forces a folder's entries (new names, renames) onto the disk; does nothing where the system cannot. */
  syncDirectory(path: string): Promise<void>;
}

/** Node's own. */
export const nodeFileSystem: FileSystem = {
  async create(path) {
    const file = await fs.open(path, 'wx');
    return {
      async write(bytes) {
        for (let at = 0; at < bytes.byteLength; ) {
          // at most 1 GiB a call: larger writes are cut short by Linux anyway
          const { bytesWritten } = await file.write(bytes, at, Math.min(bytes.byteLength - at, 1 << 30));
          at += bytesWritten;
        }
      },
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  rename: fs.rename,
  makeDirectory: makeFolder,
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
  async syncDirectory(path) {
    if (process.platform === 'win32') return; // folders cannot be opened there; NTFS journals its entries
    const folder = await fs.open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
};

/** A failed write as a typed error that says what to do; other errors pass unchanged. */
export function writeError(error: unknown, path: string): unknown {
  const code = (error as { code?: string }).code;
  const known: Record<string, [what: string, fix: string]> = {
    ENOSPC: ['the disk is full', 'Make room; what was there before is untouched'],
    EDQUOT: ['the disk quota is used up', 'Make room; what was there before is untouched'],
    EACCES: ['no permission to write', 'Choose another folder'],
    EPERM: ['no permission to write', 'Choose another folder'],
    EROFS: ['the file system is read-only', 'Choose another folder'],
    EIO: ['the disk reports an error', 'What was there before is untouched; check the disk'],
  };
  const text = code === undefined ? undefined : known[code];
  if (text === undefined) return error;
  return new CheckpointError({ where: path, what: text[0], fix: text[1], cause: error });
}

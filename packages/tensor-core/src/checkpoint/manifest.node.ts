/**
 * `manifest.json`: every file of a folder with its size and SHA-256. It is written last, so a folder with a manifest
 * that fits is complete, and one without is not there.
 */
import { createHash } from 'node:crypto';
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurable } from '../io/atomic.node.ts';
import type { FileSystem } from '../io/file-system.node.ts';

const manifestName = 'manifest.json';

export interface ManifestFile {
  readonly bytes: number;
  readonly sha256: string;
}

export interface Manifest<T = unknown> {
  readonly version: 1;
  /** what the folder is about, small: readable without opening another file */
  readonly about: T;
  /** by path within the folder, separated by '/' */
  readonly files: Readonly<Record<string, ManifestFile>>;
}

/** Hashes and forces to disk all that stands in a folder, then writes its manifest. */
export async function sealDirectory(folder: string, about: unknown, fs: FileSystem): Promise<void> {
  const files: Record<string, ManifestFile> = {};
  for (const name of await filesIn(folder)) files[name] = await digest(join(folder, name), true);
  for (const name of await directoriesIn(folder)) await fs.syncDirectory(join(folder, name));
  const manifest: Manifest = { version: 1, about, files };
  await writeFileDurable(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`, fs);
}

/**
 * The manifest of a folder; undefined if it has none, or one that cannot be read.
 * Nothing is verified: see `damageOf`.
 */
export async function readManifest<T>(folder: string): Promise<Manifest<T> | undefined> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, manifestName), 'utf8')) as Manifest<T>;
    const readable = manifest.version === 1 && typeof manifest.files === 'object' && manifest.files !== null;
    return readable ? manifest : undefined;
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR' || name === 'SyntaxError') return undefined;
    throw error;
  }
}

/** What is wrong with a folder, compared with its manifest byte for byte; undefined if nothing is. */
export async function damageOf(folder: string, manifest: Manifest): Promise<string | undefined> {
  for (const [name, { bytes, sha256 }] of Object.entries(manifest.files)) {
    const path = join(folder, ...name.split('/'));
    const found = await digest(path, false).catch((error: unknown) => {
      if ((error as { code?: string }).code === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined) return `${name} is missing`;
    if (found.bytes !== bytes) return `${name} has ${found.bytes} bytes instead of ${bytes}`;
    if (found.sha256 !== sha256) return `${name} has other content than was written`;
  }
  return undefined;
}

async function digest(path: string, sync: boolean): Promise<ManifestFile> {
  // writing access because Windows refuses to flush a file opened for reading
  const file = await open(path, sync ? 'r+' : 'r');
  try {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(1 << 20);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
    if (sync) await file.sync();
    return { bytes, sha256: hash.digest('hex') };
  } finally {
    await file.close();
  }
}

async function filesIn(folder: string): Promise<string[]> {
  return (await entriesIn(folder)).filter((e) => e.isFile).map((e) => e.name);
}

async function directoriesIn(folder: string): Promise<string[]> {
  return (await entriesIn(folder)).filter((e) => !e.isFile).map((e) => e.name);
}

/** All below a folder, sorted, paths with '/'. */
async function entriesIn(folder: string, prefix = ''): Promise<{ name: string; isFile: boolean }[]> {
  const out: { name: string; isFile: boolean }[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const name = `${prefix}${entry.name}`;
    out.push({ name, isFile: entry.isFile() });
    if (entry.isDirectory()) out.push(...(await entriesIn(join(folder, entry.name), `${name}/`)));
  }
  return out.sort((a, b) => (a.name < b.name ? -1 : 1));
}
